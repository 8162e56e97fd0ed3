import { parameterNames } from '../../../activations/entry.js';
import { compile } from '../../../activations/evaluate.js';
import { derivativeOf } from '../../../activations/derivative.js';
import type { FoundActivation } from '../../../activations/recognise/findActivations.js';
import { formatNumber } from '../../../protocol/formatReport.js';

/** Returns what an activation is called: `Leaky ReLU (alpha 0.1)`; its operator where it is no entry. */
export function activationName({ match, layer }: FoundActivation): string {
  if (match === undefined) return layer.operator;
  const [name = match.entry.id] = match.entry.names;
  const text = parameterText(match);
  return text === '' ? name : `${name} (${text})`;
}

/** Returns the parameters of a match in words: `alpha 0.1, beta 0.5`. */
export function parameterText(match: FoundActivation['match']): string {
  if (match === undefined) return '';
  const names = parameterNames(match.entry);
  return match.parameters.map((value, i) => `${names[i] ?? ''} ${formatNumber(value)}`).join(', ');
}

/** A function with its derivative, to be drawn. */
export interface DrawnFunction {
  readonly name: string;
  readonly value: (x: number) => number;
  readonly slope: (x: number) => number;
}

/** Returns the different functions of a model, each once, in file order; those that could not be read are left out. */
export function functionsInUse(
  found: readonly FoundActivation[],
): (DrawnFunction & { readonly of: FoundActivation })[] {
  const byName = new Map<string, DrawnFunction & { readonly of: FoundActivation }>();
  for (const activation of found) {
    const drawn = drawnFunction(activation);
    if (drawn !== undefined && !byName.has(drawn.name)) byName.set(drawn.name, { ...drawn, of: activation });
  }
  return [...byName.values()];
}

/** Returns the function of an activation; undefined where it could not be read. */
export function drawnFunction(activation: FoundActivation): DrawnFunction | undefined {
  const { expression } = activation;
  if (expression === undefined) return undefined;
  const [value, slope] = [compile(expression, []), compile(derivativeOf(expression), [])];
  return { name: activationName(activation), value: (x) => value(x, []), slope: (x) => slope(x, []) };
}
