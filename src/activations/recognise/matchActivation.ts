import { activationCatalogue } from '../catalogue.js';
import { type ActivationEntry, defaultParameters, parameterNames } from '../entry.js';
import { compile } from '../evaluate.js';
import type { Expression } from '../expression.js';
import { fitParameters } from './fitParameters.js';
import type { NamedEntry } from './readOperator.js';

/** The entry that a function is. */
export interface ActivationMatch {
  readonly entry: ActivationEntry;
  /** In the order of the entry's. */
  readonly parameters: readonly number[];
  /** Largest difference on [−8, 8], relative to 1 + |f|. */
  readonly error: number;
}

/** Largest difference that counts as equal, relative to 1 + |f|: models store their constants as float32. */
const tolerance = 1e-5;

/** Beyond ±8, where sin(30 x) no longer has that many digits. */
const farTolerance = 1e-2;

const nearReach = 8;

/** 97 places in [−8, 8] at no regular distance, and a few far out, where bounds may lie. */
const places: readonly number[] = [
  ...Array.from({ length: 97 }, (_, i) => nearReach * (2 * (((i + 1) * 0.6180339887498949) % 1) - 1)),
  ...[12.3, 17.9, 25.7, 41.3, 60.1].flatMap((x) => [-x, x]),
];

/**
 * Returns the entry that a function of one number is, with its parameters: the first whose values agree with it everywhere on a
 * grid. Entries without parameters come first, then the one that its operator says, then those with parameters: as they stand
 * before fitted ones.
 */
export function matchActivation(expression: Expression, operator?: NamedEntry): ActivationMatch | undefined {
  const key = JSON.stringify([expression, operator]);
  if (!known.has(key)) known.set(key, findMatch(expression, operator));
  return known.get(key);
}

/** Networks have the same few functions in every layer, and looking one up costs milliseconds. */
const known = new Map<string, ActivationMatch | undefined>();

function findMatch(expression: Expression, operator: NamedEntry | undefined): ActivationMatch | undefined {
  const value = compile(expression, []);
  const target = places.map((x) => value(x, []));
  if (!target.every(Number.isFinite) || isAffine(target)) return undefined;
  const said = operator && activationCatalogue.get(operator.id);
  const plain = entries.filter(({ parameters }) => parameters.length === 0);
  const open = entries.filter(({ parameters }) => parameters.length > 0);
  return (
    firstMatch(plain, target, defaultParameters) ??
    (said &&
      compare(
        said,
        said.parameters.map(({ name }) => operator.parameters[name] ?? NaN),
        target,
      )) ??
    firstMatch(open, target, defaultParameters) ??
    firstMatch(open, target, (entry) =>
      fitParameters(compile(entry.expression, parameterNames(entry)), defaultParameters(entry), {
        places,
        target,
      }),
    )
  );
}

/** Fewer parameters first. */
const entries = [...activationCatalogue.values()].sort((a, b) => a.parameters.length - b.parameters.length);

function firstMatch(
  candidates: readonly ActivationEntry[],
  target: readonly number[],
  parametersOf: (entry: ActivationEntry) => readonly number[] | undefined,
): ActivationMatch | undefined {
  for (const entry of candidates) {
    const parameters = parametersOf(entry);
    const match = parameters && compare(entry, parameters, target);
    if (match !== undefined) return match;
  }
  return undefined;
}

function compare(
  entry: ActivationEntry,
  parameters: readonly number[],
  target: readonly number[],
): ActivationMatch | undefined {
  const value = compile(entry.expression, parameterNames(entry));
  let error = 0;
  for (const [i, x] of places.entries()) {
    const wanted = target[i] ?? NaN;
    const difference = Math.abs(value(x, parameters) - wanted) / (1 + Math.abs(wanted));
    const isNear = Math.abs(x) <= nearReach;
    if (!(difference <= (isNear ? tolerance : farTolerance))) return undefined;
    if (isNear) error = Math.max(error, difference);
  }
  return { entry, parameters, error };
}

/** A straight line is no activation, though many an entry has one as a limit. */
function isAffine(values: readonly number[]): boolean {
  const [x0 = 0, x1 = 1] = places;
  const [y0 = 0, y1 = 0] = values;
  const slope = (y1 - y0) / (x1 - x0);
  return values.every(
    (y, i) => Math.abs(y0 + slope * ((places[i] ?? 0) - x0) - y) <= tolerance * (1 + Math.abs(y)),
  );
}
