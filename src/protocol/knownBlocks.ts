import type { Block } from './blocks.js';
import type { UnknownBlock } from './report.js';

// Apart from the schemas, so that pages and the editor's start need not load what checks documents.

const known: Readonly<Record<Block['type'], true>> = {
  markdown: true,
  metrics: true,
  table: true,
  chart: true,
  image: true,
  'image-grid': true,
  overlay: true,
  tokens: true,
  compare: true,
  audio: true,
  tree: true,
  citation: true,
  warning: true,
  findings: true,
};

/** Tells whether this version can show a block. */
export function isKnownBlock(block: Block | UnknownBlock): block is Block {
  return Object.hasOwn(known, block.type);
}
