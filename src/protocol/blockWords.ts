/** Kinds of recognised sub-graphs as `inspect --json` writes them, and as people call one. */
export const blockTitles = {
  mlp: 'MLP',
  attention: 'Attention',
  residual: 'Residual block',
  'norm-activation': 'Normalisation and activation',
  evonorm: 'EvoNorm layer',
  ibn: 'IBN layer',
  'squeeze-excitation': 'Squeeze-and-excitation',
  mlpconv: 'mlpconv layer',
  'mixture-of-experts': 'Mixture of experts',
  'cross-layer': 'Cross layer',
  'local-activation-unit': 'Local activation unit',
  dice: 'Dice activation',
} as const satisfies Readonly<Record<string, string>>;

/** A kind of recognised sub-graph that this version knows. */
export type BlockId = keyof typeof blockTitles;

/** Returns a kind of block in words; kinds of a newer version as they are written. */
export function blockTitle(kind: string): string {
  return Object.hasOwn(blockTitles, kind) ? blockTitles[kind as BlockId] : kind;
}

/**
 * Returns the blocks of a layer that are worth a word beside it: a normalisation and its activation stand on one line
 * already.
 */
export function notableBlocks(blocks: readonly string[]): readonly string[] {
  return blocks.filter((block) => block !== 'norm-activation');
}
