import {
  type BranchMode,
  type BranchNode,
  leafValue,
  type TreeNode,
} from '../../../engine/trees/treeEnsemble.js';
import type {
  Block,
  ChartBlock,
  TableBlock,
  TableCell,
  TableColumn,
  TreeBlock,
} from '../../../protocol/blocks.js';
import { formatNumber } from '../../../protocol/formatReport.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { TreeStudy } from './study.js';
import { type FeatureUse, sharedOutputs } from './summaries.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';

/** Features drawn in a chart, rows of a table of contributions, nodes of a drawn tree: at most. */
const [drawnFeatureCount, shownRowCount, drawnNodeCount] = [20, 12, 255];

/** Returns how features are used: by contribution where there are data, else by splits. */
export function featureChart(study: TreeStudy, uses: readonly FeatureUse[]): ChartBlock {
  const { heads, contributions } = study;
  const drawn = uses.slice(0, drawnFeatureCount);
  const values =
    contributions === undefined
      ? drawn.map(({ name, splitCount }) => ({ name, head: 'splits', value: splitCount }))
      : drawn.flatMap(({ name, contributionByHead }) =>
          heads.map((head, index) => ({ name, head: head.name, value: contributionByHead[index] ?? 0 })),
        );
  const what = contributions === undefined ? 'Splits' : 'Mean |contribution|, in units of the output';
  return {
    type: 'chart',
    title: 'What the trees use',
    alt: `${what} of ${String(drawn.length)} of ${String(uses.length)} features, largest first.`,
    spec: {
      $schema: vegaLiteSchema,
      data: { values },
      mark: { type: 'bar', tooltip: true },
      encoding: {
        y: { field: 'name', type: 'nominal', sort: null, title: null },
        x: { field: 'value', type: 'quantitative', title: what },
        ...(heads.length > 1 && contributions !== undefined
          ? { color: { field: 'head', type: 'nominal', title: 'Head' }, yOffset: { field: 'head' } }
          : {}),
      },
    },
    table: { columns: featureColumns(study), rows: uses.map((use) => featureRow(study, use)) },
  };
}

function featureColumns({ heads, contributions, gains }: TreeStudy): TableColumn[] {
  return [
    { key: 'name', label: 'Feature', kind: 'text' },
    { key: 'splits', label: 'Splits', kind: 'count', description: 'Questions about it in all trees.' },
    { key: 'trees', label: 'Trees', kind: 'count', description: 'Trees that ask about it.' },
    ...(gains === undefined
      ? []
      : [
          {
            key: 'gain',
            label: 'Variance explained',
            kind: 'percent',
            description:
              'Share of the variance of the trees’ own output over the training samples that splits on it explain, by covers; the gain that training saw is not stored in ONNX.',
          } as const,
        ]),
    ...(contributions === undefined ? [] : heads).map(({ name }, index): TableColumn => ({
      key: `head${String(index)}`,
      label: `Mean |contribution|, ${name}`,
      kind: 'number',
    })),
  ];
}

function featureRow({ gains }: TreeStudy, use: FeatureUse): Record<string, TableCell> {
  return {
    name: use.name,
    splits: use.splitCount,
    trees: use.treeCount,
    ...(gains === undefined ? {} : { gain: use.gainShare ?? null }),
    ...Object.fromEntries(
      use.contributionByHead.map((share, index) => [`head${String(index)}`, toReportNumber(share)]),
    ),
  };
}

/** Returns how trees divide between heads; nothing for a single one. */
export function headBlocks({ use, outputNames }: TreeStudy): Block[] {
  if (use.length < 2) return [];
  const rows = use.map(({ head, treeCount, sharedCount }) => ({
    head: head.name,
    outputs: head.outputs.map((output) => outputNames[output] ?? '').join(', '),
    trees: treeCount,
    shared: sharedCount,
    share: treeCount === 0 ? null : sharedCount / treeCount,
  }));
  return [
    {
      type: 'table',
      title: 'Heads and the trees they share',
      alt: `Trees that write to each of ${String(use.length)} heads.`,
      columns: [
        { key: 'head', label: 'Head', kind: 'text' },
        { key: 'outputs', label: 'Outputs', kind: 'text' },
        { key: 'trees', label: 'Trees', kind: 'count', description: 'Trees with a leaf that adds to it.' },
        {
          key: 'shared',
          label: 'Shared',
          kind: 'count',
          description: 'Of these, trees that add to another head too.',
        },
        { key: 'share', label: 'Share shared', kind: 'bar' },
      ],
      rows,
    },
  ];
}

/** Returns how deep the trees are. */
export function depthChart({ trees }: TreeStudy): ChartBlock {
  const counts = new Map<number, number>();
  for (const { depth } of trees) counts.set(depth, (counts.get(depth) ?? 0) + 1);
  const rows = [...counts].sort(([a], [b]) => a - b).map(([depth, count]) => ({ depth, count }));
  return {
    type: 'chart',
    title: 'Depth of the trees',
    alt: `How many of ${String(trees.length)} trees have each depth.`,
    folded: true,
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows },
      mark: { type: 'bar', tooltip: true },
      encoding: {
        x: { field: 'depth', type: 'ordinal', title: 'Questions on the longest way to a leaf' },
        y: { field: 'count', type: 'quantitative', title: 'Trees' },
      },
    },
    table: {
      columns: [
        { key: 'depth', label: 'Depth', kind: 'count' },
        { key: 'count', label: 'Trees', kind: 'count' },
      ],
      rows,
    },
  };
}

/** Returns the first rows' outputs as sums of contributions; nothing without data. */
export function contributionBlocks(study: TreeStudy): Block[] {
  const { rows, featureNames, outputNames } = study;
  if (rows === undefined) return [];
  const shown = Math.min(rows.count, shownRowCount);
  const cells = Array.from({ length: shown }, (_, row) =>
    sharedOutputs(study, row).map((shared): Record<string, TableCell> => ({
      row: rows.ids[row] ?? String(row),
      output: outputNames[shared.output] ?? '',
      value: toReportNumber(shared.value),
      start: toReportNumber(shared.start),
      parts: shared.parts
        .slice(0, 4)
        .map(({ feature, share }) => `${featureNames[feature] ?? ''} ${signed(share)}`)
        .join(', '),
    })),
  ).flat();
  const table: TableBlock = {
    type: 'table',
    title: 'Outputs as sums of contributions',
    alt: `Outputs of ${String(shown)} rows, each with the features that move it most.`,
    columns: [
      { key: 'row', label: 'Row', kind: 'text' },
      { key: 'output', label: 'Output', kind: 'text' },
      { key: 'value', label: 'Value', kind: 'number', description: 'Sum of leaves and base value.' },
      {
        key: 'start',
        label: 'Without features',
        kind: 'number',
        description: 'What the contributions are added to.',
      },
      { key: 'parts', label: 'Largest contributions', kind: 'text' },
    ],
    rows: cells,
    omittedRowCount: (rows.count - shown) * outputNames.length,
  };
  return [table];
}

/** Returns the first trees drawn, to `drawnNodeCount` nodes each. */
export function drawnTrees(study: TreeStudy, count: number): TreeBlock[] {
  const { ensemble } = study.forest;
  return ensemble.roots.slice(0, count).map((root, index) => {
    const budget = { left: drawnNodeCount };
    return {
      type: 'tree',
      title: `Tree ${String(index)} of ${String(ensemble.roots.length)}`,
      alt: `The questions of tree ${String(index)}, yes before no.`,
      folded: index > 0,
      root: drawnNode(study, root, { prefix: '', budget }),
    };
  });
}

type Drawn = TreeBlock['root'];

function drawnNode(
  study: TreeStudy,
  node: TreeNode,
  at: { readonly prefix: string; readonly budget: { left: number } },
): Drawn {
  at.budget.left--;
  const detail =
    node.cover === undefined || study.gains === undefined ? {} : { detail: coverText(node.cover) };
  if (node.kind === 'leaf') return { label: `${at.prefix}${leafText(study, node)}`, ...detail };
  if (at.budget.left < 2) {
    return { label: `${at.prefix}${question(study, node)}`, detail: 'more below, not drawn' };
  }
  return {
    label: `${at.prefix}${question(study, node)}`,
    ...detail,
    children: [
      drawnNode(study, node.whenTrue, { prefix: 'yes: ', budget: at.budget }),
      drawnNode(study, node.whenFalse, { prefix: 'no: ', budget: at.budget }),
    ],
  };
}

const signs: Readonly<Record<Exclude<BranchMode, 'member'>, string>> = {
  leq: '≤',
  lt: '<',
  gte: '≥',
  gt: '>',
  eq: '=',
  neq: '≠',
};

function question({ featureNames }: TreeStudy, node: BranchNode): string {
  const name = featureNames[node.feature] ?? `feature ${String(node.feature)}`;
  const missing = node.isMissingTrue ? ' or missing' : '';
  if (node.mode === 'member') return `${name} in {${[...(node.members ?? [])].join(', ')}}${missing}?`;
  return `${name} ${signs[node.mode]} ${formatNumber(node.threshold)}${missing}?`;
}

function leafText(
  { forest, outputNames }: TreeStudy,
  leaf: Extract<TreeNode, { readonly kind: 'leaf' }>,
): string {
  const values = outputNames.map((name, output) => ({
    name,
    value: leafValue(forest.ensemble, leaf, output),
  }));
  if (values.length === 1) return signed(values[0]?.value ?? NaN);
  const written = values.filter(({ value }) => value !== 0);
  return written.length === 0 ? '0' : written.map(({ name, value }) => `${name} ${signed(value)}`).join(', ');
}

function coverText(cover: number): string {
  return `${formatNumber(cover, 'count')} training samples`;
}

function signed(value: number): string {
  return value > 0 ? `+${formatNumber(value)}` : formatNumber(value);
}
