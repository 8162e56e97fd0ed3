import { argmax } from '../../../engine/numeric/vectors.js';
import type { MetricsBlock } from '../../../protocol/blocks.js';
import type { Finding } from '../../../protocol/report.js';
import type { ReportDraft, ResultArray } from '../../analysis.js';
import { rowEvidence } from '../attribution/rows.js';
import type { ExplorerSettings } from './explorerSettings.js';
import {
  carryOverChart,
  channelTable,
  contributionChart,
  decayText,
  responseChart,
  sum,
} from './responseCharts.js';
import type { ChannelResponse, Responses } from './responseCurves.js';
import { short } from './sliceCharts.js';
import type { SeriesModel } from './series.js';

/** A share of the largest effect that should not stand in the future, nor at the last lag. */
const noticeable = 0.01;

/** Returns the report of response, carry-over and contribution of channels. */
export function responseReport(
  model: SeriesModel,
  found: Responses,
  { off, level }: ExplorerSettings,
): ReportDraft {
  const { channels } = found;
  const evidence = rowEvidence(model.rows);
  const metrics = metricsOf(found);
  const hasDecay = 'largestCarryOver' in metrics;
  return {
    title: 'Function explorer: response curves',
    summary: summaryOf(model, found),
    usedCount: model.rows.count,
    metrics,
    evidence: {
      channelCount: { kind: 'measured' },
      largestShare: evidence,
      interactionShare: evidence,
      largestCarryOver: hasDecay
        ? evidence
        : { kind: 'not-captured', how: 'no channel has an effect that lasts' },
    },
    findings: channels.flatMap((channel) => findingsOf(channel)),
    arrays: responseArrays(found, evidence),
    blocks: [
      metricsBlock(hasDecay),
      { type: 'findings' },
      responseChart(found),
      carryOverChart(found),
      contributionChart(found),
      channelTable(found),
      { type: 'citation', papers: ['mulc2025'] },
    ],
    warnings: [
      ...model.rows.warnings,
      `A channel that is off holds ${String(off)}; pulses are added to ${levelWords[level]}.`,
    ],
  };
}

function metricsBlock(hasDecay: boolean): MetricsBlock {
  return {
    type: 'metrics',
    items: [
      { metric: 'channelCount', label: 'Channels', format: 'count' },
      { metric: 'largestShare', label: 'Largest share of the outcome', format: 'percent' },
      ...(hasDecay
        ? [{ metric: 'largestCarryOver', label: 'Longest carry-over', format: 'percent' as const }]
        : []),
      { metric: 'interactionShare', label: 'Share that no channel has alone', format: 'percent' },
    ],
  };
}

function sharesOf({ channels, outcome }: Responses): number[] {
  return channels.map(({ contribution }) => sum(contribution) / sum(outcome));
}

function metricsOf(found: Responses): Record<string, number> {
  const { channels, outcome, baseline } = found;
  const rates = channels.map(({ decay }) => decay.rate).filter(Number.isFinite);
  const shares = sharesOf(found);
  const together = 1 - sum(baseline) / sum(outcome);
  return {
    channelCount: channels.length,
    largestShare: Math.max(...shares),
    interactionShare: shares.reduce((left, share) => left - share, together),
    ...(rates.length > 0 ? { largestCarryOver: Math.max(...rates) } : {}),
  };
}

function summaryOf(model: SeriesModel, found: Responses): string {
  const shares = sharesOf(found);
  const best = argmax(shares);
  const leader = found.channels[best];
  if (leader === undefined) return 'The input has no channels.';
  return `Of ${String(shares.length)} channels, ${leader.name} contributes most to ${model.explained} (${short(100 * (shares[best] ?? NaN))} % of it over ${String(model.rows.count)} series); ${decayText(leader)}.`;
}

const levelWords = {
  mean: 'every channel at its mean over time',
  rows: 'the rows as they are',
  off: 'every channel off',
} as const satisfies Record<ExplorerSettings['level'], string>;

function findingsOf({ name, carryOver, decay, leak, contribution }: ChannelResponse): Finding[] {
  const findings: Finding[] = [];
  const largest = carryOver.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (largest === 0 && sum(contribution) === 0) {
    findings.push({
      severity: 'info',
      message: `The outcome does not depend on ${name} on these rows.`,
      advice: 'Leave it out of the model, or check that its values vary in the data.',
    });
  }
  if (leak > noticeable) {
    findings.push({
      severity: 'warning',
      message: `A pulse of ${name} at the last step changes earlier outcomes by up to ${short(100 * leak)} % of its largest effect.`,
      advice:
        'The model sees the future: check the mask of its attention or the padding of its convolutions.',
    });
  }
  if (largest > 0 && decay.rate > 0 && Math.abs(carryOver.at(-1) ?? 0) > noticeable * largest * 5) {
    findings.push({
      severity: 'info',
      message: `${name} still acts at the last lag that was drawn.`,
      advice: 'Raise lags, or give longer series, before reading its half-life.',
    });
  }
  return findings;
}

function responseArrays(
  found: Responses,
  evidence: ReturnType<typeof rowEvidence>,
): Record<string, ResultArray> {
  const { channels, factors, outcome, baseline } = found;
  const array = (values: readonly number[] | Float64Array, dims: readonly number[]): ResultArray => ({
    value: { dtype: 'float64', dims, data: Float64Array.from(values) },
    evidence,
  });
  const perChannel = (of: (channel: ChannelResponse) => Float64Array): ResultArray => {
    const rows = channels.map(of);
    return array(
      rows.flatMap((row) => [...row]),
      [rows.length, rows[0]?.length ?? 0],
    );
  };
  return {
    factors: array(factors, [factors.length]),
    response: perChannel(({ response }) => response),
    carryOver: perChannel(({ carryOver }) => carryOver),
    carryOverRate: array(
      channels.map(({ decay }) => decay.rate),
      [channels.length],
    ),
    contribution: perChannel(({ contribution }) => contribution),
    outcome: array(outcome, [outcome.length]),
    baseline: array(baseline, [baseline.length]),
  };
}
