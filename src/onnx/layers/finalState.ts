import type { LayerTable } from './layer.js';

const recurrentOperators: ReadonlySet<string> = new Set(['LSTM', 'GRU', 'RNN']);

/** Rank of the last hidden states of a recurrent operator, [directions, N, H] or [N, directions, H]: units along the last axis. */
export const finalStateRank = 3;

/**
 * Returns the last hidden states that belong to the value of a recurrent layer, where something reads them: the same units at the
 * last step, handed on as a value of their own. Undefined for every other value.
 */
export function finalStateOf(value: string, { views }: Pick<LayerTable, 'views'>): string | undefined {
  for (const { index, outputs } of views) {
    const node = index.producerOf(value);
    if (node === undefined || !recurrentOperators.has(node.opType) || node.outputs[0] !== value) continue;
    const state = node.outputs[1] ?? '';
    if (state !== '' && (outputs.has(state) || index.consumersOf(state).length > 0)) return state;
  }
  return undefined;
}
