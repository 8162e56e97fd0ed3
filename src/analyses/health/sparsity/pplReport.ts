import type { Block, TableColumn } from '../../../protocol/blocks.js';
import { formatAddress } from '../../../onnx/addresses.js';
import { formatNumber } from '../../../protocol/formatReport.js';
import type { Evidence } from '../../../protocol/report.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { ResultArray } from '../../analysis.js';
import { barChart, columnLines } from '../../shared/plainCharts.js';
import type { PplSparsity } from './ppl.js';

/** Metrics of the method `ppl`. */
export const pplMetricNames = ['activationRatio', 'cett', 'perplexityRise', 'untouchedPerplexity'] as const;

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** Metrics of the search that are known, and evidence of all of them. */
export function pplMetrics(ppl: PplSparsity | string): {
  readonly metrics: Readonly<Record<string, number>>;
  readonly evidence: Readonly<Record<string, Evidence>>;
} {
  const evidenceOf = (evidence: Evidence): Record<string, Evidence> =>
    Object.fromEntries(pplMetricNames.map((name) => [name, evidence]));
  if (typeof ppl === 'string') {
    return { metrics: {}, evidence: evidenceOf({ kind: 'not-captured', how: ppl }) };
  }
  const measured = evidenceOf(measuredOf(ppl));
  const { found, untouched } = ppl;
  if (found !== undefined) {
    const { activeShare: activationRatio, cett, rise: perplexityRise } = found;
    return {
      metrics: { activationRatio, cett, perplexityRise, untouchedPerplexity: untouched },
      evidence: measured,
    };
  }
  const missing: Evidence = { kind: 'not-captured', how: 'truncating everything costs less' };
  return {
    metrics: { untouchedPerplexity: untouched },
    evidence: { ...evidenceOf(missing), untouchedPerplexity: measuredOf(ppl) },
  };
}

function measuredOf({ sampleCount, tokenCount, measure }: PplSparsity): Evidence {
  const tokens = measure === 'perplexity' ? 'predicted tokens' : 'tokens, hidden one at a time';
  return { kind: 'measured', n: sampleCount, how: `${formatNumber(tokenCount, 'count')} ${tokens}` };
}

/** Returns a sentence to stand behind the others of a summary; empty where nothing was found. */
export function pplSentence(ppl: PplSparsity | string): string {
  if (typeof ppl === 'string' || ppl.found === undefined) return '';
  const { found, blocks, tokenCount, measure } = ppl;
  return ` With ${percent(found.activeShare)} of the neurons of ${String(blocks.length)} feed-forward blocks kept per token (CETT ${formatNumber(found.cett)}), ${measure} rises by ${percent(found.rise)} on ${formatNumber(tokenCount, 'count')} tokens.`;
}

/** Returns the chart of the blocks, what the search tried, and the thresholds; nothing where it was not done. */
export function pplBlocks(ppl: PplSparsity | string): Block[] {
  if (typeof ppl === 'string') return [];
  return [
    {
      type: 'metrics',
      title: `PPL-${formatNumber(100 * ppl.wanted)} % sparsity`,
      items: [
        ...(ppl.found === undefined
          ? []
          : [
              { metric: 'activationRatio', label: 'Activation ratio', format: 'percent' as const },
              { metric: 'cett', label: 'CETT' },
              { metric: 'perplexityRise', label: `${capital(ppl.measure)} rise`, format: 'percent' as const },
            ]),
        { metric: 'untouchedPerplexity', label: `Untouched ${ppl.measure}` },
      ],
    },
    ...foundBlocks(ppl),
    searchChart(ppl),
  ];
}

const thresholdColumns: readonly TableColumn[] = [
  {
    key: 'block',
    label: 'Read by',
    kind: 'address',
    description: 'The dense layer that reads the neurons of the block.',
  },
  { key: 'units', label: 'Neurons', kind: 'count' },
  { key: 'active', label: 'Activation ratio', kind: 'bar' },
  {
    key: 'threshold',
    label: 'Threshold',
    kind: 'number',
    description: 'Of |a| · ‖w_down‖, the length of what a neuron writes.',
  },
  {
    key: 'cett',
    label: 'CETT',
    kind: 'number',
    description: '‖Σ truncated‖ / ‖FFN(x)‖, the mean over tokens.',
  },
];

function foundBlocks({ found, blocks }: PplSparsity): Block[] {
  if (found === undefined) return [];
  const rows = blocks.map(({ down, unitCount }, at) => {
    const truncation = found.truncations[at];
    return {
      block: formatAddress({ layer: down }),
      units: unitCount,
      active: toReportNumber(truncation?.activeShare ?? NaN),
      threshold: toReportNumber(truncation?.threshold ?? NaN),
      cett: toReportNumber(truncation?.cett ?? NaN),
    };
  });
  return [
    barChart({
      title: 'Activation ratio by block',
      alt: 'A bar for each feed-forward block: the share of its neurons that is kept on a token.',
      name: { key: 'block', label: 'Read by', kind: 'address' },
      series: [{ key: 'active', label: 'Activation ratio' }],
      rows: rows.map(({ block, active }) => ({ block, active })),
      valueTitle: 'Neurons kept per token',
      format: 'percent',
      domain: [0, 1],
    }),
    { type: 'table', title: 'Thresholds', columns: [...thresholdColumns], rows },
  ];
}

function searchChart({ tried, measure }: PplSparsity): Block {
  const rows = tried
    // Everything truncated, which is tried first, would dwarf the others.
    .filter((_, at) => at > 0 || tried.length === 1)
    .map(({ cett, rise, activeShare }) => ({ cett, rise: toReportNumber(rise), active: activeShare }))
    .sort((a, b) => a.cett - b.cett);
  return columnLines({
    title: 'What truncating costs',
    alt: `Two lines over the error that was allowed: how much the ${measure} rose, and the share of neurons that was kept.`,
    x: { key: 'cett', label: 'CETT, the same for all blocks' },
    series: [
      { key: 'rise', label: `${capital(measure)} rise` },
      { key: 'active', label: 'Activation ratio' },
    ],
    rows,
    valueTitle: 'Share',
    format: 'percent',
  });
}

/** Returns what was found by block, and every error that was tried, as arrays. */
export function pplArrays(ppl: PplSparsity | string): Record<string, ResultArray> {
  if (typeof ppl === 'string') return {};
  const evidence = measuredOf(ppl);
  const arrays: Record<string, ResultArray> = {
    triedErrors: {
      value: {
        dtype: 'float64',
        dims: [ppl.tried.length, 3],
        data: Float64Array.from(
          ppl.tried.flatMap(({ cett, rise, activeShare }) => [cett, rise, activeShare]),
        ),
      },
      evidence,
    },
  };
  for (const [at, { name }] of ppl.blocks.entries()) {
    const truncation = ppl.found?.truncations[at];
    if (truncation === undefined) continue;
    const { threshold, cett, activeShare } = truncation;
    arrays[`${name}.truncation`] = {
      value: { dtype: 'float64', dims: [3], data: Float64Array.of(threshold, cett, activeShare) },
      evidence,
    };
  }
  return arrays;
}
