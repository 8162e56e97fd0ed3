import type { Block, ChartBlock, TreeBlock } from '../../../protocol/blocks.js';
import { formText, nodeText, treeCode, treeDot, type treeLanguages, type TreeNames } from './exportTree.js';
import type { RegionNode } from './grow.js';
import type { RegionStudy } from './study.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';

/** Nodes drawn, regions listed, leaves up to which the tree is written out as text: at most. */
const [drawnNodeCount, listedRegionCount, writtenLeafCount] = [200, 50, 100];

/** Returns the tree from its root, the branches with most samples first. */
export function treeBlock({ tree }: RegionStudy, names: TreeNames): TreeBlock {
  const budget = { left: drawnNodeCount };
  const draw = (node: RegionNode, prefix: string): TreeBlock['root'] => {
    budget.left--;
    const label = `${prefix}${nodeText(node, names)}`;
    const detail = `${node.sampleCount.toLocaleString('en-US')} samples`;
    if (node.kind !== 'split') return { label, detail };
    if (budget.left < 2) return { label, detail: `${detail}, more below, not drawn` };
    return { label, detail, children: [draw(node.below, 'yes: '), draw(node.above, 'no: ')] };
  };
  return {
    type: 'tree',
    title: 'The network as a tree',
    alt: 'Questions about affine forms of the input, yes before no; every leaf gives the outputs as affine forms.',
    root: draw(tree.root, ''),
  };
}

/** Returns how many samples lie in each region, with what the network computes there. */
export function regionChart(study: RegionStudy, names: TreeNames): ChartBlock {
  const leaves = leavesOf(study.tree.root).sort(
    (a, b) => (study.samplesByLeaf[b.index] ?? 0) - (study.samplesByLeaf[a.index] ?? 0) || a.index - b.index,
  );
  const listed = leaves.slice(0, listedRegionCount);
  const rows = listed.map(({ index, outputs }) => ({
    region: `region ${String(index)}`,
    samples: study.samplesByLeaf[index] ?? 0,
    share: (study.samplesByLeaf[index] ?? 0) / study.rows.count,
    outputs: outputs
      .map((form, i) => `${names.outputs[i] ?? ''} = ${formText(form, names.inputs)}`)
      .join('; '),
  }));
  return {
    type: 'chart',
    title: 'Samples by linear region',
    alt: `Samples in each of the ${String(listed.length)} fullest of ${String(leaves.length)} regions.`,
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows.slice(0, 30).map(({ region, samples }) => ({ region, samples })) },
      mark: { type: 'bar', tooltip: true },
      encoding: {
        y: { field: 'region', type: 'nominal', sort: null, title: null },
        x: { field: 'samples', type: 'quantitative', title: 'Samples' },
      },
    },
    table: {
      columns: [
        { key: 'region', label: 'Region', kind: 'text' },
        { key: 'samples', label: 'Samples', kind: 'count' },
        { key: 'share', label: 'Share', kind: 'percent' },
        { key: 'outputs', label: 'Outputs there', kind: 'text' },
      ],
      rows,
    },
  };
}

/** Returns the tree as code and as DOT; a sentence in their place where it is too large to read. */
export function textBlocks(
  { tree }: RegionStudy,
  names: TreeNames,
  language: (typeof treeLanguages)[number],
): Block[] {
  if (tree.leafCount + tree.openCount > writtenLeafCount) {
    const text = `The tree has ${tree.leafCount.toLocaleString('en-US')} leaves: code and DOT are written for up to ${String(writtenLeafCount)} (set maxLeaves). The arrays \`splitWeights\`, \`splitBias\`, \`children\`, \`leafWeights\` and \`leafBias\` hold all of it.`;
    return [{ type: 'markdown', title: 'Code and DOT', text }];
  }
  const fence = '```';
  return [
    {
      type: 'markdown',
      title: `The tree in ${language === 'python' ? 'Python' : 'JavaScript'}`,
      folded: true,
      text: `${fence}${language}\n${treeCode(tree.root, language)}\n${fence}`,
    },
    {
      type: 'markdown',
      title: 'The tree in DOT',
      folded: true,
      text: `${fence}dot\n${treeDot(tree.root, names)}\n${fence}`,
    },
  ];
}

/** Returns all leaves of a tree, in order. */
export function leavesOf(root: RegionNode): Extract<RegionNode, { readonly kind: 'leaf' }>[] {
  if (root.kind === 'leaf') return [root];
  return root.kind === 'open' ? [] : [...leavesOf(root.below), ...leavesOf(root.above)];
}
