import { float32Tensor, int64Tensor } from '../../onnx/tensorValue.js';
import { formatNumber } from '../../protocol/formatReport.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import type { SettingsSchema } from '../../protocol/settings.js';
import { defineAnalysis, type ReportDraft, type ResultArray, type SettingsOf } from '../analysis.js';
import { rowEvidence } from './attribution/rows.js';
import { leavesOf, regionChart, textBlocks, treeBlock } from './regions/blocks.js';
import { treeLanguages } from './regions/exportTree.js';
import type { RegionNode } from './regions/grow.js';
import { regionRowCount, type RegionStudy, studyRegions } from './regions/study.js';

const settings = {
  maxLeaves: {
    kind: 'integer',
    title: 'Leaves at most',
    description:
      'Where growing stops; branches with most samples are grown first, the others are left open and said to be.',
    default: 200,
    minimum: 1,
    maximum: 20_000,
  },
  domain: {
    kind: 'text',
    title: 'Domain',
    description:
      'Where the tree must hold: data (from the least to the greatest value of every feature), or "low, high" for all.',
    default: 'data',
  },
  points: {
    kind: 'integer',
    title: 'Points compared',
    description: 'Random points of the domain on which tree and network are compared, beside the rows.',
    default: 10_000,
    minimum: 0,
    maximum: 1_000_000,
  },
  language: {
    kind: 'choice',
    title: 'Code',
    description: 'Language that the tree is written out in.',
    default: 'python',
    choices: treeLanguages,
  },
  output: {
    kind: 'text',
    title: 'Output',
    description: 'Output that the leaves give; default the first that holds floats.',
    default: null,
  },
} as const satisfies SettingsSchema;

/** Float32 sums of a small network and their float64 recount part ways by less than this share of the outputs. */
const agreement = 1e-4;

/**
 * The exact decision tree of a small piecewise linear network: every unit is a question about an affine form of the input,
 * every leaf a linear region with the outputs as affine forms.
 *
 * Assumes dense or convolutional layers (anything affine) with ReLU, LeakyReLU, PReLU, Clip, HardSigmoid or Abs. Few
 * regions met by the data: the network is nearly linear there. The tree has up to as many leaves as patterns of activations are possible
 * in the domain, so it is for small networks; beyond the limit it is partial, and says so.
 *
 * Source: Aytekin (2022), "Neural Networks are Decision Trees", https://arxiv.org/abs/2210.05189. Differs: empty
 * branches are removed by linear programming; regions thinner than 1e-7 of the domain count as empty.
 */
export const extractTree = defineAnalysis({
  id: 'extract-tree',
  question: 'prediction',
  title: 'Extract tree',
  asks: 'Which decision tree is this network, exactly?',
  needs: { data: 'required', labels: 'none', gradients: false },
  settings,
  metrics: {
    leafCount: { title: 'Leaves', description: 'Linear regions that were grown.' },
    splitCount: { title: 'Questions', description: 'Questions of the tree.' },
    depth: { title: 'Depth', description: 'Questions on the longest way to a leaf.' },
    openCount: {
      title: 'Branches not grown',
      description: 'Branches left open at the limit on leaves; 0: the tree is whole.',
    },
    removedCount: {
      title: 'Questions left out',
      description: 'Questions on some path with a single possible answer there.',
    },
    unitCount: { title: 'Units', description: 'Units with an activation of several pieces.' },
    regionsMet: {
      title: 'Regions met',
      description: 'Linear regions that the rows lie in, by their patterns of activations.',
    },
    coverage: { title: 'Covered', description: 'Share of the rows that end in a grown leaf.' },
    maxError: {
      title: 'Largest error',
      description: 'Largest |tree − network| over random points and rows in grown leaves.',
    },
  },
  papers: [
    {
      id: 'aytekin2022',
      title: 'Neural Networks are Decision Trees',
      url: 'https://arxiv.org/abs/2210.05189',
      line: 53,
    },
  ],
  rows: [
    {
      line: 53,
      limits:
        'Only activations of straight pieces, where the paper also cuts smooth ones into pieces; no MaxPool. The tree holds over a box, and is partial beyond maxLeaves.',
    },
  ],
  cost: (chosen, { sampleCount, limit }) => {
    const rowCount = Math.min(sampleCount, limit ?? regionRowCount);
    return { passCount: rowCount + chosen.points + 20 * chosen.maxLeaves, readCount: rowCount };
  },
  async run(context, chosen) {
    const study = await studyRegions(context, chosen);
    context.progress({ fractionDone: 1, message: 'Writing the report' });
    return draftOf(study, chosen);
  },
});

function draftOf(study: RegionStudy, { language }: SettingsOf<typeof settings>): ReportDraft {
  const { network, inputNames, rows } = study;
  const outputs = Array.from({ length: network.outputCount }, (_, i) => `y${String(i)}`);
  const names = { inputs: inputNames, outputs };
  const metrics = metricsOf(study);
  return {
    title: 'Extract tree',
    summary: summaryOf(study),
    usedCount: rows.count,
    metrics,
    evidence: evidenceOf(study),
    findings: findingsOf(study),
    arrays: arraysOf(study),
    blocks: [
      {
        type: 'metrics',
        items: [
          { metric: 'leafCount', label: 'Leaves (linear regions)', format: 'count' },
          { metric: 'regionsMet', label: 'Regions that the rows lie in', format: 'count' },
          { metric: 'depth', label: 'Depth', format: 'count' },
          { metric: 'openCount', label: 'Branches not grown', format: 'count' },
          { metric: 'coverage', label: 'Rows in grown leaves', format: 'percent' },
          ...(metrics['maxError'] === undefined
            ? []
            : [{ metric: 'maxError', label: 'Largest |tree − network|' }]),
        ],
      },
      { type: 'findings' },
      treeBlock(study, names),
      regionChart(study, names),
      ...textBlocks(study, names, language),
      { type: 'citation', papers: ['aytekin2022'] },
    ],
    warnings: [
      `Leaves give ${study.explained}. The tree holds where every feature lies within the domain.`,
      ...rows.warnings,
    ],
  };
}

function metricsOf({ tree, network, metCount, coverage, maxError }: RegionStudy): Record<string, number> {
  return {
    leafCount: tree.leafCount,
    splitCount: tree.splitCount,
    depth: tree.depth,
    openCount: tree.openCount,
    removedCount: tree.removedCount,
    unitCount: network.stages.reduce((sum, { units }) => sum + units.length, 0),
    regionsMet: metCount,
    coverage,
    ...(Number.isNaN(maxError) ? {} : { maxError }),
  };
}

function evidenceOf({ rows, comparedCount, maxError, tree }: RegionStudy): Record<string, Evidence> {
  const grown: Evidence = {
    kind: 'measured',
    how: tree.openCount === 0 ? 'the whole tree' : 'the part that was grown',
  };
  const compared: Evidence = Number.isNaN(maxError)
    ? { kind: 'not-captured', how: 'no point ended in a grown leaf' }
    : { kind: 'sampled', n: comparedCount, how: 'random points of the domain and the rows' };
  const structure = ['leafCount', 'splitCount', 'depth', 'openCount', 'removedCount', 'unitCount'];
  return {
    ...Object.fromEntries(structure.map((key) => [key, grown])),
    regionsMet: rowEvidence(rows),
    coverage: rowEvidence(rows),
    maxError: compared,
  };
}

function summaryOf({ tree, metCount, rows, coverage, maxError, comparedCount }: RegionStudy): string {
  const met = `the ${rows.count.toLocaleString('en-US')} rows lie in ${metCount.toLocaleString('en-US')} of its linear regions`;
  const equal = Number.isNaN(maxError)
    ? ''
    : `; it differs from the network by at most ${formatNumber(maxError)} on ${comparedCount.toLocaleString('en-US')} points`;
  if (tree.openCount === 0) {
    return `The network is a tree of ${tree.leafCount.toLocaleString('en-US')} leaves and depth ${String(tree.depth)} over this domain; ${met}${equal}.`;
  }
  return `A part of the network’s tree was grown: ${tree.leafCount.toLocaleString('en-US')} leaves that hold ${formatNumber(coverage, 'percent')} of the rows; ${met}${equal}.`;
}

function findingsOf({ tree, maxError, samplesByLeaf, rows }: RegionStudy): Finding[] {
  const findings: Finding[] = [];
  if (tree.openCount > 0) {
    findings.push({
      severity: 'warning',
      message: `${tree.openCount.toLocaleString('en-US')} branches were not grown: the tree is partial.`,
      advice: 'Raise maxLeaves, give a narrower domain, or a smaller network.',
    });
  }
  if (maxError > agreement) {
    findings.push({
      severity: 'warning',
      message: `Tree and network part ways by ${formatNumber(maxError)}, more than float32 rounding of a small network explains.`,
      advice: 'Look for very large weights, whose float32 sums lose digits.',
    });
  }
  const fullest = samplesByLeaf.reduce((most, count) => Math.max(most, count), 0);
  if (fullest > 0.9 * rows.count) {
    findings.push({
      severity: 'info',
      message: `One region holds ${formatNumber(fullest / rows.count, 'percent')} of the rows: there the network is one affine function.`,
      advice: 'A linear model would do nearly as well on these data.',
    });
  }
  return findings;
}

function arraysOf(study: RegionStudy): Record<string, ResultArray> {
  const { tree, network, samplesByLeaf, rows } = study;
  const evidence: Evidence = { kind: 'measured', how: 'read off the network' };
  const leaves = leavesOf(tree.root).sort((a, b) => a.index - b.index);
  const { inputSize, outputCount } = network;
  const floats: Floats = (values, dims) => ({
    value: float32Tensor(Float32Array.from(values), dims),
    evidence,
  });
  return {
    ...splitArrays(study, floats),
    leafWeights: floats(
      leaves.flatMap(({ outputs }) => outputs.flatMap(({ weights }) => [...weights])),
      [leaves.length, outputCount, inputSize],
    ),
    leafBias: floats(
      leaves.flatMap(({ outputs }) => outputs.map(({ bias }) => bias)),
      [leaves.length, outputCount],
    ),
    leafSampleCount: {
      value: int64Tensor([...samplesByLeaf], [samplesByLeaf.length]),
      evidence: rowEvidence(rows),
    },
  };
}

type Floats = (values: readonly number[], dims: readonly number[]) => ResultArray;

function splitArrays({ tree, network }: RegionStudy, floats: Floats): Record<string, ResultArray> {
  const splits = splitsOf(tree.root);
  const { inputSize } = network;
  const evidence: Evidence = { kind: 'measured', how: 'read off the network' };
  const idOf = (node: RegionNode): number =>
    node.kind === 'split'
      ? splits.indexOf(node)
      : node.kind === 'leaf'
        ? -1 - node.index
        : -1 - tree.leafCount;
  return {
    splitWeights: floats(
      splits.flatMap(({ wall }) => [...wall.weights]),
      [splits.length, inputSize],
    ),
    splitBias: floats(
      splits.map(({ wall }) => wall.bias),
      [splits.length],
    ),
    // Children where the form is ≤ 0 and > 0: a split by its place, leaf i as −1 − i, a branch not grown as −1 − leaves.
    children: {
      value: int64Tensor(
        splits.flatMap(({ below, above }) => [idOf(below), idOf(above)]),
        [splits.length, 2],
      ),
      evidence,
    },
  };
}

function splitsOf(root: RegionNode): Extract<RegionNode, { readonly kind: 'split' }>[] {
  return root.kind === 'split' ? [root, ...splitsOf(root.below), ...splitsOf(root.above)] : [];
}
