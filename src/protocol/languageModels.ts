import type { InspectedValue, Inspection } from './inspection.js';

/**
 * Tells whether a model looks like one that writes text: rows of integers [N, T], and what goes with them, come in, and scores
 * [N, T, V] go out. What it does with them only the engine can tell; this decides what is offered.
 */
export function looksLikeLanguageModel({ inputs, outputs }: Pick<Inspection, 'inputs' | 'outputs'>): boolean {
  const tokens = inputs.filter((input) => isWhole(input) && input.shape?.length === 2);
  const others = inputs.filter((input) => !tokens.includes(input) && !isCompanion(input));
  return tokens.length > 0 && others.length === 0 && outputs.some(isScores);
}

function isWhole({ type }: InspectedValue): boolean {
  return type === 'int64' || type === 'int32';
}

/** Keys and values of earlier tokens, and the flag that says whether there are any. */
function isCompanion({ name, type }: InspectedValue): boolean {
  return type === 'bool' || isWhole({ name, type, shape: null }) || /past|cache/iu.test(name);
}

function isScores({ name, type, shape }: InspectedValue): boolean {
  return /float/u.test(type) && shape?.length === 3 && !/hidden|embed|present|past|state/iu.test(name);
}
