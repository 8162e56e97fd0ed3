import type {
  ChartBlock,
  MetricsBlock,
  TableBlock,
  TableCell,
  TableColumn,
} from '../../../protocol/blocks.js';
import type { Evidence, Finding } from '../../../protocol/report.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { ReportDraft, ResultArray } from '../../analysis.js';
import type { OpenedFunction } from '../functions/openFunction.js';
import type { Effects } from './partialEffects.js';
import type { MeasuredMask } from './selfMasks.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';

/** How interactions are ranked. */
export type InteractionMethod = 'h-statistic' | 'anova' | 'hessian';

/** An interaction with its strength by the method. */
export interface Strength {
  readonly features: readonly number[];
  readonly strength: number;
}

/** What the report is made of. */
export interface Measured {
  readonly method: InteractionMethod;
  /** Strongest first. */
  readonly strengths: readonly Strength[];
  /** Absent with method=hessian. */
  readonly effects: Effects | undefined;
  /** `[F, F]`, with method=hessian. */
  readonly curvature: Float64Array | undefined;
  readonly masks: readonly MeasuredMask[];
}

/** What the strength means, by method. */
const readings: Readonly<Record<InteractionMethod, string>> = {
  'h-statistic': 'Friedman’s H: how much of what the features do is theirs together only, 0 to 1',
  anova: 'share of the variance of f that is theirs together only',
  hessian: 'how much the effect of one standard deviation of the one changes with one of the other',
};

const shownCount = 20;

/** Returns the report of interactions. */
export function interactionReport(f: OpenedFunction, measured: Measured): ReportDraft {
  const { method, strengths, masks } = measured;
  const metrics = metricsOf(measured);
  const missing = (how: string): Evidence => ({ kind: 'not-captured', how });
  return {
    title: 'Feature interactions',
    summary: summaryOf(f, measured),
    usedCount: f.rowCount,
    metrics,
    evidence: {
      featureCount: { kind: 'measured' },
      strongest: strengths.length > 0 ? f.evidence : missing('there are fewer than two features'),
      interactionShare:
        'interactionShare' in metrics ? f.evidence : missing('method=hessian has no shares of variance'),
      maskedShare: masks.length > 0 ? f.evidence : missing('the graph has no self-mask c · relu(norm(c))'),
    },
    findings: findingsOf(measured),
    arrays: arraysOf(f, measured),
    blocks: [
      metricsBlock(metrics),
      { type: 'findings' },
      strengthChart(f, measured),
      ...(measured.effects === undefined ? [] : [featureTable(f, measured.effects)]),
      ...(masks.length > 0 ? [maskTable(masks)] : []),
      { type: 'citation', papers: ['li2024', 'friedman2008'] },
    ],
    warnings: [
      ...f.warnings,
      ...(method === 'hessian'
        ? []
        : ['Features are combined across rows: combinations that do not occur count too.']),
    ],
  };
}

function metricsBlock(metrics: Readonly<Record<string, number>>): MetricsBlock {
  const items: MetricsBlock['items'] = [
    { metric: 'featureCount', label: 'Features', format: 'count' },
    { metric: 'strongest', label: 'Strongest interaction' },
    { metric: 'interactionShare', label: 'Variance not of single features', format: 'percent' },
    { metric: 'maskedShare', label: 'Masked by self-masks', format: 'percent' },
  ];
  return { type: 'metrics', items: items.filter(({ metric }) => metric in metrics) };
}

function nameOf(f: OpenedFunction, features: readonly number[]): string {
  return features.map((feature) => f.features.nameOf(feature)).join(' × ');
}

function metricsOf({ strengths, effects, masks }: Measured): Record<string, number> {
  const mean = masks.reduce((sum, { zeroShare }) => sum + zeroShare, 0) / masks.length;
  return {
    featureCount: effects?.overall.length ?? new Set(strengths.flatMap(({ features }) => features)).size,
    ...(strengths[0] === undefined ? {} : { strongest: strengths[0].strength }),
    ...(effects === undefined
      ? {}
      : { interactionShare: 1 - effects.mainShare.reduce((sum, share) => sum + share, 0) }),
    ...(masks.length > 0 ? { maskedShare: mean } : {}),
  };
}

function summaryOf(f: OpenedFunction, { method, strengths }: Measured): string {
  const [first] = strengths;
  if (first === undefined) return 'There are fewer than two features, so none interact.';
  if (!(first.strength > 0)) return `No features interact in ${f.explained} on ${String(f.rowCount)} rows.`;
  return `In ${f.explained}, ${nameOf(f, first.features)} interact most (${method} ${first.strength.toPrecision(3)}), on ${f.rowCount.toLocaleString('en-US')} rows.`;
}

function findingsOf({ method, strengths, masks }: Measured): Finding[] {
  const isFlat = method === 'hessian' && strengths.every(({ strength }) => strength === 0);
  const closed = masks.filter(({ closedCount }) => closedCount > 0);
  return [
    ...(isFlat
      ? [
          {
            severity: 'warning' as const,
            message:
              'The second derivative is zero on every row: the model is linear in pieces, as with ReLU.',
            advice: 'Use method=h-statistic, which compares values and not derivatives.',
          },
        ]
      : []),
    ...closed.map(({ layer, closedCount, unitCount }): Finding => ({
      severity: 'info',
      message: `${String(closedCount)} of ${String(unitCount)} units of the self-mask after ${layer} are closed on every row.`,
      advice: 'Their half of the cross layer does nothing on these data; a narrower layer would do.',
    })),
  ];
}

function strengthChart(f: OpenedFunction, { method, strengths, effects }: Measured): ChartBlock {
  const shares = new Map(effects?.interactions.map((one) => [one.features.join(), one]));
  const rows = strengths.map(({ features, strength }): Record<string, TableCell> => {
    const one = shares.get(features.join());
    return {
      name: nameOf(f, features),
      order: features.length,
      strength: toReportNumber(strength),
      ...(one === undefined ? {} : { h: toReportNumber(one.h), share: toReportNumber(one.anovaShare) }),
    };
  });
  return {
    type: 'chart',
    title: 'Interactions',
    alt: `The strongest interactions: ${readings[method]}.`,
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows.slice(0, shownCount) },
      mark: 'bar',
      encoding: {
        y: { field: 'name', type: 'nominal', sort: null, title: null },
        x: { field: 'strength', type: 'quantitative', title: `Strength (${method})` },
        color: { field: 'order', type: 'nominal', title: 'Features' },
      },
    },
    table: {
      columns: strengthColumns(method, effects !== undefined),
      rows,
    },
  };
}

function strengthColumns(method: InteractionMethod, hasEffects: boolean): TableColumn[] {
  const columns: TableColumn[] = [
    { key: 'name', label: 'Features', kind: 'text' },
    { key: 'order', label: 'Order', kind: 'count' },
    { key: 'strength', label: 'Strength', kind: 'number', description: readings[method] },
  ];
  if (!hasEffects) return columns;
  return [
    ...columns,
    { key: 'h', label: 'Friedman’s H', kind: 'number' },
    { key: 'share', label: 'Share of variance', kind: 'percent' },
  ];
}

function featureTable(f: OpenedFunction, { overall, mainShare }: Effects): TableBlock {
  const rows = Array.from(overall, (h, feature) => ({
    name: f.features.nameOf(feature),
    overall: toReportNumber(h),
    main: toReportNumber(mainShare[feature] ?? NaN),
  })).sort((a, b) => Number(b.overall) - Number(a.overall));
  return {
    type: 'table',
    title: 'Features',
    columns: [
      { key: 'name', label: 'Feature', kind: 'text' },
      { key: 'overall', label: 'H with all others', kind: 'number' },
      { key: 'main', label: 'Share of variance alone', kind: 'percent' },
    ],
    rows,
  };
}

function maskTable(masks: readonly MeasuredMask[]): TableBlock {
  return {
    type: 'table',
    title: 'Self-masks',
    columns: [
      { key: 'layer', label: 'Normalisation', kind: 'address' },
      {
        key: 'masked',
        label: 'Masked',
        kind: 'percent',
        description: 'Share of its elements that are zero.',
      },
      { key: 'closed', label: 'Closed units', kind: 'count', description: 'Zero on every row.' },
      { key: 'units', label: 'Units', kind: 'count' },
    ],
    rows: masks.map(({ layer, zeroShare, closedCount, unitCount }) => ({
      layer,
      masked: toReportNumber(zeroShare),
      closed: closedCount,
      units: unitCount,
    })),
  };
}

function arraysOf(f: OpenedFunction, measured: Measured): Record<string, ResultArray> {
  const { strengths, effects, curvature } = measured;
  const { evidence } = f;
  const array = (values: readonly number[] | Float64Array, dims: readonly number[]): ResultArray => ({
    value: { dtype: 'float64', dims, data: Float64Array.from(values) },
    evidence,
  });
  const order = Math.max(2, ...strengths.map(({ features }) => features.length));
  const count = f.features.maxCount;
  return {
    // −1 where an interaction has fewer features than others.
    interactionFeatures: array(
      strengths.flatMap(({ features }) => Array.from({ length: order }, (_, i) => features[i] ?? -1)),
      [strengths.length, order],
    ),
    interactionStrength: array(
      strengths.map(({ strength }) => strength),
      [strengths.length],
    ),
    ...(curvature === undefined ? {} : { curvature: array(curvature, [count, count]) }),
    ...(effects === undefined
      ? {}
      : { overall: array(effects.overall, [count]), mainShare: array(effects.mainShare, [count]) }),
  };
}
