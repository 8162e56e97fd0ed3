import { UserError } from '../../base/errors.js';
import { splitControlFlow } from '../../engine/straightLine/splitControlFlow.js';
import type { Model } from '../../onnx/model.js';
import type { Block } from '../../protocol/blocks.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import { defineAnalysis, type ReportDraft, type ResultArray } from '../analysis.js';
import { vegaLiteSchema } from '../shared/vegaLite.js';
import { measureUsage } from './routing/measureUsage.js';
import { routersOf } from './routing/routers.js';
import type { Usage } from './routing/usage.js';

/** A module that gets more of the weights than this leaves nearly nothing to the others. */
const collapseShare = 0.95;

const settings = {
  threshold: {
    kind: 'number',
    title: 'Least weight',
    description:
      'A module counts as used where its weight is above this; a graph that chooses the best k says itself which are.',
    default: 0.01,
    minimum: 0,
    maximum: 1,
  },
} as const;

/**
 * Module usage: which modules a model that routes its samples gives work to.
 *
 * For a router with weights g over modules m: share of samples with m chosen at any position (the graph's own choice of the
 * best k, else g_m above the least weight), and the mean over positions of |g_m| / Σ|g|. For an If: samples that take each
 * branch, and how often. Of labelled data the shares are given by label too. A module that nothing uses only takes memory; one
 * that takes everything makes the others idle. Caveat: masked positions are counted, and another data set may use what this
 * one does not.
 *
 * Source: Zhang et al. (2022), "SkillNet-NLU: A Sparsely Activated Model for General-Purpose Natural Language
 * Understanding", https://arxiv.org/abs/2203.03312. Differs: measures any router that a graph shows, where the paper defines
 * skills beforehand.
 */
export const moduleUsage = defineAnalysis({
  id: 'module-usage',
  question: 'health',
  title: 'Module usage',
  asks: 'Which experts, skills and branches does this data use, and which never?',
  needs: { data: 'required', labels: 'optional', gradients: false },
  settings,
  metrics: {
    sampleCount: { title: 'Samples', description: 'Samples that were routed.' },
    routerCount: { title: 'Routers', description: 'Mixtures of experts, gates of skills, and Ifs.' },
    moduleCount: { title: 'Modules', description: 'Experts, skills and branches behind all routers.' },
    neverUsedCount: { title: 'Never used', description: 'Modules that no sample uses.' },
    leastBalance: {
      title: 'Least balance',
      description:
        'exp(entropy of the shares of the weights) over the number of modules, of the least even router; 1 is even.',
    },
  },
  papers: [
    {
      id: 'zhang2022skillnet',
      title: 'SkillNet-NLU: A Sparsely Activated Model for General-Purpose Natural Language Understanding',
      url: 'https://arxiv.org/abs/2203.03312',
      line: 139,
    },
  ],
  rows: [
    {
      line: 139,
      limits:
        'Recognised mixtures of experts (a softmax over one dense layer or over its best k, or the fused operators), skills whose weights are an input or a sigmoid cut into single elements, and Ifs. Routers inside loops are not found.',
    },
  ],
  lacks: (model) =>
    hasModules(model) ? undefined : 'it has no mixture of experts, no gated skills and no If',
  cost: (_settings, { sampleCount }) => ({ passCount: 2 * sampleCount, readCount: 2 * sampleCount }),
  async run(context, { threshold }) {
    const { data, model } = context;
    if (data === undefined) throw new Error('The runner starts no analysis without the data it needs.');
    const routers = routersOf(model);
    const hasBranches = splitControlFlow(model).points.length > 0;
    if (routers.length === 0 && !hasBranches) throw noModules();
    const usages = await measureUsage(context, data, {
      ...{ routers, hasBranches, threshold },
      onBatch: (known) => {
        context.partial(() => draftOf(known, data.labelNames));
      },
    });
    return draftOf(usages, data.labelNames);
  },
});

function hasModules(model: Model): boolean {
  return splitControlFlow(model).points.length > 0 || routersOf(model).length > 0;
}

function draftOf(usages: readonly Usage[], labelNames: readonly string[] | undefined): ReportDraft {
  const sampleCount = usages[0]?.sampleCount ?? 0;
  const modules = usages.flatMap((usage) => usage.modules);
  const never = usages.flatMap(neverUsed);
  const metrics = {
    sampleCount,
    routerCount: usages.length,
    moduleCount: modules.length,
    neverUsedCount: never.length,
    leastBalance: Math.min(1, ...usages.map(balanceOf)),
  };
  const evidence: Evidence = { kind: 'measured', n: sampleCount };
  return {
    title: 'Module usage',
    summary: summaryOf(usages, never),
    metrics,
    evidence: Object.fromEntries(Object.keys(metrics).map((key) => [key, evidence])),
    findings: usages.flatMap(findingsOf),
    arrays: Object.assign({}, ...usages.map((usage) => arraysOf(usage, evidence))) as Record<
      string,
      ResultArray
    >,
    blocks: blocksOf(usages, labelNames),
    warnings: [],
  };
}

function blocksOf(usages: readonly Usage[], labelNames: readonly string[] | undefined): Block[] {
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'routerCount', label: 'Routers', format: 'count' },
        { metric: 'moduleCount', label: 'Modules', format: 'count' },
        { metric: 'neverUsedCount', label: 'Never used', format: 'count' },
        { metric: 'leastBalance', label: 'Least balance', format: 'percent' },
        { metric: 'sampleCount', label: 'Samples', format: 'count' },
      ],
    },
    { type: 'findings', title: 'Findings' },
    ...usages.map(usageChart),
    ...usages.flatMap((usage) => labelTable(usage, labelNames)),
    { type: 'citation', papers: ['zhang2022skillnet'] },
  ];
}

function shareOfSamples({ sampleCounts, sampleCount }: Usage, index: number): number {
  return (sampleCounts[index] ?? 0) / Math.max(1, sampleCount);
}

function shareOfMass({ mass, positionCount }: Usage, index: number): number {
  return (mass[index] ?? 0) / Math.max(1, positionCount);
}

function neverUsed({ modules, sampleCounts }: Usage): string[] {
  return modules.filter((_, index) => sampleCounts[index] === 0);
}

function balanceOf(usage: Usage): number {
  const shares = usage.modules.map((_, index) => shareOfMass(usage, index));
  const total = shares.reduce((sum, share) => sum + share, 0);
  const entropy = shares.reduce((sum, share) => {
    const part = share / total;
    return part > 0 ? sum - part * Math.log(part) : sum;
  }, 0);
  return Math.exp(entropy) / usage.modules.length;
}

function summaryOf(usages: readonly Usage[], never: readonly string[]): string {
  const count = usages.reduce((sum, { modules }) => sum + modules.length, 0);
  const samples = (usages[0]?.sampleCount ?? 0).toLocaleString('en');
  if (never.length === 0) return `Each of ${String(count)} modules is used by some of ${samples} samples.`;
  const more = never.length > 3 ? ` and ${String(never.length - 3)} more` : '';
  const verb = never.length === 1 ? 'is' : 'are';
  return `${String(never.length)} of ${String(count)} modules ${verb} used by none of ${samples} samples: ${never.slice(0, 3).join(', ')}${more}.`;
}

function findingsOf(usage: Usage): Finding[] {
  const never = neverUsed(usage).map((module): Finding => ({
    severity: 'warning',
    message: `No sample uses ${module}: 0 of ${usage.sampleCount.toLocaleString('en')}.`,
    advice:
      usage.kind === 'branches'
        ? 'These data do not test this branch: add samples that take it.'
        : 'Remove it, or train with a loss that balances the load, so that it learns something.',
  }));
  const index = usage.modules.findIndex((_, at) => shareOfMass(usage, at) > collapseShare);
  const winner = usage.modules[index];
  if (winner === undefined || usage.kind === 'branches') return never;
  const collapsed: Finding = {
    severity: 'warning',
    message: `${winner} gets ${(100 * shareOfMass(usage, index)).toFixed(1)} % of the weights of ${usage.name}.`,
    advice: 'The router has collapsed: add noise to it or a loss that balances the load.',
  };
  return [collapsed, ...never];
}

function arraysOf(usage: Usage, evidence: Evidence): Record<string, ResultArray> {
  const { name, modules } = usage;
  const labels = [...usage.byLabel.keys()].sort((a, b) => a - b);
  const put = (values: readonly number[], dims: readonly number[]): ResultArray => ({
    value: { dtype: 'float64', dims, data: Float64Array.from(values) },
    evidence,
  });
  const size = [modules.length];
  return {
    [`${name}.sampleShare`]: put(
      modules.map((_, index) => shareOfSamples(usage, index)),
      size,
    ),
    [`${name}.weightShare`]: put(
      modules.map((_, index) => shareOfMass(usage, index)),
      size,
    ),
    ...(labels.length === 0
      ? {}
      : {
          [`${name}.sampleShareByLabel`]: put(
            labels.flatMap((label) => modules.map((_, index) => shareOfLabel(usage, label, index))),
            [labels.length, modules.length],
          ),
        }),
  };
}

function shareOfLabel({ byLabel }: Usage, label: number, index: number): number {
  const own = byLabel.get(label);
  return (own?.sampleCounts[index] ?? 0) / Math.max(1, own?.sampleCount ?? 0);
}

function usageChart(usage: Usage): Block {
  const rows = usage.modules.map((module, index) => ({
    module,
    share: shareOfSamples(usage, index),
    weight: shareOfMass(usage, index),
  }));
  return {
    type: 'chart',
    title: `Modules of ${usage.name} (${usage.kind})`,
    alt: `Share of the samples that use each module of ${usage.name}.`,
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows },
      mark: { type: 'bar', tooltip: true },
      encoding: {
        y: { field: 'module', type: 'nominal', sort: null, title: null },
        x: {
          field: 'share',
          type: 'quantitative',
          title: 'Samples that use it',
          scale: { domain: [0, 1] },
          axis: { format: '%' },
        },
      },
    },
    table: {
      columns: [
        { key: 'module', label: 'Module', kind: 'text' },
        { key: 'share', label: 'Samples that use it', kind: 'percent' },
        {
          key: 'weight',
          label: usage.kind === 'branches' ? 'Times' : 'Share of the weights',
          kind: 'percent',
          description: 'Mean over positions; of branches the share of the times one was asked for.',
        },
      ],
      rows,
    },
  };
}

/** Most labels that a table is read for. */
const maxLabels = 50;

function labelTable(usage: Usage, labelNames: readonly string[] | undefined): Block[] {
  const labels = [...usage.byLabel.keys()].sort((a, b) => a - b);
  if (labels.length < 2) return [];
  return [
    {
      type: 'table',
      title: `Modules of ${usage.name} by label`,
      columns: [
        { key: 'label', label: 'Label', kind: 'text' },
        { key: 'samples', label: 'Samples', kind: 'count' },
        ...usage.modules.map((module, index) => ({
          key: `m${String(index)}`,
          label: module,
          kind: 'bar' as const,
        })),
      ],
      rows: labels.slice(0, maxLabels).map((label) => ({
        label: labelNames?.[label] ?? String(label),
        samples: usage.byLabel.get(label)?.sampleCount ?? 0,
        ...Object.fromEntries(
          usage.modules.map((_, index) => [`m${String(index)}`, shareOfLabel(usage, label, index)]),
        ),
      })),
      omittedRowCount: Math.max(0, labels.length - maxLabels),
    },
  ];
}

function noModules(): UserError {
  return new UserError(
    'no-modules',
    'This model routes nothing: it has no mixture of experts, no gated skills and no If. Choose one that does.',
  );
}
