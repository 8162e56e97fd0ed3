import { html, type TemplateResult } from 'lit';
import type { Block } from '../../src/protocol/blocks.js';
import type { BlockContext } from './blockElement.js';
import './ni-audio-block.js';
import './ni-chart-block.js';
import './ni-citation-block.js';
import './ni-compare-block.js';
import './ni-findings-block.js';
import './ni-image-block.js';
import './ni-image-grid-block.js';
import './ni-markdown-block.js';
import './ni-metrics-block.js';
import './ni-overlay-block.js';
import './ni-table-block.js';
import './ni-tokens-block.js';
import './ni-tree-block.js';
import './ni-warning-block.js';

type BlockTable = {
  readonly [T in Block['type']]: (
    block: Extract<Block, { readonly type: T }>,
    context: BlockContext,
  ) => TemplateResult;
};

/** The element of each block type; the compiler asks for one when a type is added. */
const blockTable: BlockTable = {
  markdown: (block, context) =>
    html`<ni-markdown-block .block=${block} .context=${context}></ni-markdown-block>`,
  metrics: (block, context) =>
    html`<ni-metrics-block .block=${block} .context=${context}></ni-metrics-block>`,
  table: (block, context) => html`<ni-table-block .block=${block} .context=${context}></ni-table-block>`,
  chart: (block, context) => html`<ni-chart-block .block=${block} .context=${context}></ni-chart-block>`,
  image: (block, context) => html`<ni-image-block .block=${block} .context=${context}></ni-image-block>`,
  'image-grid': (block, context) =>
    html`<ni-image-grid-block .block=${block} .context=${context}></ni-image-grid-block>`,
  overlay: (block, context) =>
    html`<ni-overlay-block .block=${block} .context=${context}></ni-overlay-block>`,
  tokens: (block, context) => html`<ni-tokens-block .block=${block} .context=${context}></ni-tokens-block>`,
  compare: (block, context) =>
    html`<ni-compare-block .block=${block} .context=${context}></ni-compare-block>`,
  audio: (block, context) => html`<ni-audio-block .block=${block} .context=${context}></ni-audio-block>`,
  tree: (block, context) => html`<ni-tree-block .block=${block} .context=${context}></ni-tree-block>`,
  citation: (block, context) =>
    html`<ni-citation-block .block=${block} .context=${context}></ni-citation-block>`,
  warning: (block, context) =>
    html`<ni-warning-block .block=${block} .context=${context}></ni-warning-block>`,
  findings: (block, context) =>
    html`<ni-findings-block .block=${block} .context=${context}></ni-findings-block>`,
};

/** Returns a block as its element. */
export function blockElementOf(block: Block, context: BlockContext): TemplateResult {
  // Erased: the entry under a type takes the block of that type.
  const render = blockTable[block.type] as (block: Block, context: BlockContext) => TemplateResult;
  return render(block, context);
}
