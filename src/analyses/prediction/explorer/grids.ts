import { UserError } from '../../../base/errors.js';
import { didYouMean } from '../../../base/nearest.js';
import type { RowFunction } from '../functions/rowFunction.js';
import type { ExplorerSettings } from './explorerSettings.js';

/** Returns `count` evenly spaced numbers, both ends among them, each one that float32 holds: what is drawn is what was fed. */
export function linearGrid(from: number, to: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) =>
    Math.fround(i === count - 1 ? to : from + ((to - from) * i) / (count - 1)),
  );
}

/**
 * Returns the values that a feature is swept over: from the smallest to the largest in the rows, or as the settings say.
 *
 * A column of a few whole numbers (a category, a flag) is swept over those alone. One that does not vary is swept by one to
 * either side. Features of several elements are multiplied by 0 … 2.
 *
 * @throws UserError when the ends are in the wrong order, or the rows hold no finite value.
 */
export function gridOf(
  { elementCounts, features, ...f }: RowFunction,
  feature: number,
  { from, to, gridSize }: Pick<ExplorerSettings, 'from' | 'to' | 'gridSize'>,
): Float64Array {
  const isElement = elementCounts[feature] === 1;
  const seen = isElement ? seenValues(f, feature) : [0, 2];
  if (seen.length === 0) throw noFiniteValue(features.nameOf(feature));
  const [first = 0, last = first] = [seen[0], seen.at(-1)];
  const isGiven = from !== null || to !== null;
  const areFewWhole =
    seen.length > 1 && seen.length <= Math.min(12, gridSize) && seen.every(Number.isInteger);
  if (isElement && !isGiven && areFewWhole) return Float64Array.from(seen);
  const widened = first === last && !isGiven ? 1 : 0;
  const [low, high] = [from ?? first - widened, to ?? last + widened];
  if (low < high) return linearGrid(low, high, gridSize);
  throw new UserError(
    'empty-sweep',
    `The sweep of ${features.nameOf(feature)} would go from ${String(low)} to ${String(high)}. Set from below to.`,
    { detail: { from: low, to: high } },
  );
}

/** Distinct finite values of a feature, smallest first. */
function seenValues(
  { rowCount, valueOf }: Pick<RowFunction, 'rowCount' | 'valueOf'>,
  feature: number,
): number[] {
  const values = Array.from({ length: rowCount }, (_, row) => valueOf(feature, row));
  return [...new Set(values.filter(Number.isFinite))].sort((a, b) => a - b);
}

function noFiniteValue(name: string): UserError {
  return new UserError(
    'no-finite-value',
    `${name} is NaN or infinite in every row, so there is nothing to sweep it between. Set from and to, or clean the data.`,
    { detail: { feature: name } },
  );
}

/**
 * Returns the features that a setting names, by name or number.
 *
 * @throws UserError `unknown-feature` naming the setting.
 */
export function featuresNamed(
  text: string,
  { features }: Pick<RowFunction, 'features'>,
  setting: string,
): number[] {
  const names = Array.from({ length: features.maxCount }, (_, feature) => features.nameOf(feature));
  // Names may hold commas themselves (`x[0, 3]`): those are matched first, longest first.
  const wholes = names.filter((name) => name.includes(',')).sort((a, b) => b.length - a.length);
  const found: number[] = [];
  let rest = text.trim();
  while (rest !== '') {
    const whole = wholes.find((name) => rest.startsWith(name));
    const part = whole ?? rest.split(',')[0]?.trim() ?? '';
    rest = rest.slice(whole?.length ?? rest.split(',')[0]?.length).replace(/^\s*,?\s*/u, '');
    const feature = names.includes(part) ? names.indexOf(part) : /^\d+$/u.test(part) ? Number(part) : -1;
    if (feature < 0 || feature >= names.length) throw unknownFeature(part, setting, names);
    if (!found.includes(feature)) found.push(feature);
  }
  return found;
}

function unknownFeature(part: string, setting: string, names: readonly string[]): UserError {
  const listed = `${names.slice(0, 12).join('; ')}${names.length > 12 ? '; …' : ''}`;
  return new UserError(
    'unknown-feature',
    `${setting} names the feature "${part}", which there is not.${didYouMean(part, names)} There are ${String(names.length)}, from 0 on: ${listed}.`,
    { detail: { setting, feature: part } },
  );
}
