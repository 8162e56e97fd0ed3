import { float32Tensor } from '../../onnx/tensorValue.js';
import type { Block } from '../../protocol/blocks.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import type { SettingsSchema } from '../../protocol/settings.js';
import { defineAnalysis, type ReportDraft, type ResultArray } from '../analysis.js';
import { followedBlocks, headChart, mapBlocks, siteTable } from './attention/blocks.js';
import { followAttention, type FollowedRow } from './attention/followed.js';
import {
  type AttentionFigures,
  defaultAttentionRows,
  measureAttention,
  type SiteFigures,
} from './attention/measure.js';
import { attentionSites } from './attention/sites.js';
import { taxonomyOf } from './attention/taxonomy.js';
import { deepInterestNetwork } from '../shared/papers.js';

const settings = {
  shown: {
    kind: 'integer',
    title: 'Rows shown',
    description: 'First rows whose maps, rollout and flow the report keeps; numbers are over all rows.',
    default: 2,
    minimum: 1,
    maximum: 64,
  },
} as const satisfies SettingsSchema;

/** Weights of a float32 softmax over 100,000 keys sum to 1 within this. */
const sumTolerance = 1e-3;

/** A head that gives the first key more than this, on average, parks its attention there. */
const sinkShare = 0.5;

/**
 * Attention as it was paid: for every head the weights A[q, k] of each query over the keys, their entropy
 * −Σ A ln A, the weight of the first key and of the query itself, the mean distance; rollout and flow through all layers.
 *
 * Assumes that weights are what a softmax or hardmax gives before the product with the values. Low entropy: the head picks;
 * high: it averages. Caveat: a weight says where a head looked, not what it took from there nor whether it mattered:
 * values may be small, and later layers may ignore them.
 *
 * Source: Chaudhari, Mithal, Polatkan & Ramanath (2019), "An Attentive Survey of Attention Models",
 * https://arxiv.org/abs/1904.02874, for the kinds; Abnar & Zuidema (2020), https://arxiv.org/abs/2005.00928, for rollout and
 * flow.
 */
export const attentionMaps = defineAnalysis({
  id: 'attention-maps',
  question: 'representation',
  title: 'Attention maps',
  asks: 'Where does every attention head look, and what reaches the end?',
  needs: { data: 'required', labels: 'none', gradients: false },
  settings,
  metrics: {
    attentionCount: {
      title: 'Attention blocks',
      description: 'Attention and local activation units that were read.',
    },
    headCount: { title: 'Heads', description: 'Heads of all of them.' },
    sampleCount: { title: 'Samples', description: 'Rows that the numbers rest on.' },
    meanEntropy: {
      title: 'Mean entropy',
      description: 'Entropy of a query’s weights in nats, the mean over heads.',
    },
    maxSumError: {
      title: 'Largest error of a sum',
      description:
        'Largest |1 − Σ weights of a query| of attention; local activation units need not sum to 1.',
    },
  },
  papers: [
    {
      id: 'chaudhari2019',
      title: 'An Attentive Survey of Attention Models',
      url: 'https://arxiv.org/abs/1904.02874',
      line: 207,
    },
    deepInterestNetwork,
    {
      id: 'abnar2020',
      title: 'Quantifying Attention Flow in Transformers',
      url: 'https://arxiv.org/abs/2005.00928',
    },
  ],
  rows: [
    {
      line: 207,
      limits:
        'Whether attention is local, and how far, is told from the rows seen. Packed attention operators hide their weights; linear attention without a softmax is not found. Flow is left out beyond 24 tokens.',
    },
    {
      line: 35,
      limits:
        'The weights of a local activation unit are shown as they are: as in the paper they need not sum to 1.',
    },
  ],
  cost: (_settings, { sampleCount, limit }) => {
    const count = Math.min(sampleCount, limit ?? defaultAttentionRows);
    return { passCount: count, readCount: count };
  },
  async run(context, { shown }) {
    const found = attentionSites(context.model);
    const figures = await measureAttention(context, found, shown);
    return draftOf(figures, followAttention(figures), {
      hidden: found.hidden,
      availableCount: context.data?.sampleCount ?? figures.rowCount,
    });
  },
});

function draftOf(
  figures: AttentionFigures,
  followed: readonly FollowedRow[],
  { hidden, availableCount }: { readonly hidden: readonly string[]; readonly availableCount: number },
): ReportDraft {
  const { sites, rowCount } = figures;
  const heads = sites.flatMap((site) => site.heads);
  const evidence = evidenceOf(rowCount, availableCount);
  const plain = sites.filter(({ site }) => site.kind === 'attention').flatMap((site) => site.heads);
  const metrics = {
    attentionCount: sites.length,
    headCount: heads.length,
    sampleCount: rowCount,
    meanEntropy: heads.reduce((sum, head) => sum + meanEntropyOf(head), 0) / Math.max(1, heads.length),
    // Local activation units need not sum to 1: where there is nothing else there is no error.
    ...(plain.length === 0
      ? {}
      : { maxSumError: plain.reduce((most, head) => Math.max(most, head.sumError), 0) }),
  };
  return {
    title: 'Attention maps',
    summary: summaryOf(figures, metrics),
    usedCount: rowCount,
    metrics,
    evidence: {
      maxSumError: { kind: 'not-captured', how: 'there is no attention whose weights must sum to 1' },
      ...Object.fromEntries(Object.keys(metrics).map((metric) => [metric, evidence])),
    },
    findings: sites.flatMap(findingsOf),
    arrays: arraysOf(figures, followed, evidence),
    blocks: blocksOf(figures, followed, { hidden, hasSums: plain.length > 0 }),
    warnings:
      hidden.length === 0
        ? []
        : [`The weights of ${hidden.join(', ')} cannot be read: the operator hides them.`],
  };
}

function evidenceOf(rowCount: number, availableCount: number): Evidence {
  if (rowCount >= availableCount) return { kind: 'measured', n: rowCount };
  const how = `the first ${String(rowCount)} of ${availableCount.toLocaleString('en-US')} samples`;
  return { kind: 'sampled', n: rowCount, how };
}

function blocksOf(
  figures: AttentionFigures,
  followed: readonly FollowedRow[],
  { hidden, hasSums }: { readonly hidden: readonly string[]; readonly hasSums: boolean },
): Block[] {
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'attentionCount', label: 'Attention blocks', format: 'count' },
        { metric: 'headCount', label: 'Heads', format: 'count' },
        { metric: 'meanEntropy', label: 'Mean entropy', unit: 'nats' },
        ...(hasSums ? [{ metric: 'maxSumError', label: 'Largest error of a sum' }] : []),
        { metric: 'sampleCount', label: 'Samples', format: 'count' },
      ],
    },
    { type: 'findings', title: 'Findings' },
    siteTable(figures, hidden),
    headChart(figures),
    ...followedBlocks(followed, figures.shown),
    ...mapBlocks(figures),
    {
      type: 'markdown',
      title: 'How to read this',
      folded: true,
      text: 'A line of a map is a query, a column a key; the weights of a line sum to 1, but for those of a local activation unit, which are shown as they are. A weight says where a head looked, not what it took from there. Rollout multiplies ½ attention + ½ identity through the layers; flow is the most that fits through them, so that its numbers do not add up to 1.',
    },
    { type: 'citation', papers: ['chaudhari2019', 'abnar2020', 'zhou2017din'] },
  ];
}

function meanEntropyOf(head: SiteFigures['heads'][number]): number {
  return head.entropySum / Math.max(1, head.queryCount);
}

function summaryOf(
  { sites, rowCount }: AttentionFigures,
  metrics: { readonly headCount: number; readonly meanEntropy: number },
): string {
  const heads = sites.flatMap(({ site, heads: own }) =>
    own.map((head, index) => ({ name: site.name, index, head })),
  );
  const sharpest = heads.toSorted((a, b) => meanEntropyOf(a.head) - meanEntropyOf(b.head))[0];
  const keys = Math.exp(metrics.meanEntropy).toPrecision(3);
  const kinds = [...new Set(sites.map((site) => taxonomyOf(site).relation))].join(' and ');
  const rows = rowCount === 1 ? '1 row' : `${rowCount.toLocaleString('en')} rows`;
  const where =
    sharpest === undefined
      ? ''
      : `; the most selective is head ${sharpest.index} of ${sharpest.name} with ${Math.exp(meanEntropyOf(sharpest.head)).toPrecision(3)}`;
  return `${metrics.headCount} heads of ${kinds}-attention look at about ${keys} keys each on ${rows}${where}.`;
}

function findingsOf(figures: SiteFigures): Finding[] {
  const { site, heads, keyCount } = figures;
  const findings: Finding[] = [];
  const broken = heads.filter((head) => head.notFiniteCount > 0).length;
  if (broken > 0) {
    findings.push({
      severity: 'error',
      message: `${broken} of ${heads.length} heads of ${site.name} have weights that are no numbers.`,
      advice: 'Look for a row whose keys are all masked, or for scores beyond the range of the type.',
    });
  }
  const wrong = site.kind === 'attention' && heads.some((head) => head.sumError > sumTolerance);
  if (wrong) {
    findings.push({
      severity: 'warning',
      message: `Weights of ${site.name} do not sum to 1.`,
      advice: 'They may have been masked or dropped out behind the softmax; read them as relative.',
    });
  }
  const sinks = heads.flatMap((head, index) =>
    head.firstSum / Math.max(1, head.queryCount) > sinkShare && keyCount > 4 ? [index] : [],
  );
  if (sinks.length > 0 && site.relation === 'self') {
    findings.push({
      severity: 'info',
      message: `Heads ${sinks.join(', ')} of ${site.name} give the first token more than half of their attention.`,
      advice:
        'Such heads often do nothing on these rows: compare with massive activations at the first token.',
    });
  }
  return findings;
}

function arraysOf(
  { sites, shown }: AttentionFigures,
  followed: readonly FollowedRow[],
  evidence: Evidence,
): Record<string, ResultArray> {
  const arrays: Record<string, ResultArray> = {};
  const put = (name: string, data: Float32Array | readonly number[], dims: readonly number[]): void => {
    arrays[name] = { value: float32Tensor(data, dims), evidence };
  };
  for (const figures of sites) {
    const { site, heads, maps } = figures;
    put(`${site.name}.entropy`, heads.map(meanEntropyOf), [heads.length]);
    const [first] = maps;
    if (first === undefined || maps.some((map) => map.weights.length !== first.weights.length)) continue;
    const dims = [maps.length, first.headCount, first.queryCount, first.keyCount];
    put(`${site.name}.attention`, Float32Array.from(maps.flatMap((map) => [...map.weights])), dims);
  }
  const [row] = followed;
  const isEven = followed.every(({ tokenCount }) => tokenCount === row?.tokenCount);
  if (row === undefined || !isEven || followed.length !== shown.length) return arrays;
  const tokens = row.tokenCount;
  const lines = followed.flatMap(({ rollout }) => [...rollout]);
  put('rollout', lines, [followed.length, tokens, tokens]);
  const flows = followed.flatMap(({ flow }) => [...(flow ?? [])]);
  if (flows.length > 0) put('flow', flows, [followed.length, tokens]);
  return arrays;
}
