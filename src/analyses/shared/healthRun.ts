import { formatNumber } from '../../protocol/formatReport.js';
import { UserError } from '../../base/errors.js';
import { holdsImages } from '../../protocol/dataKinds.js';
import type { Evidence } from '../../protocol/report.js';
import type { Dataset } from '../../data/dataset.js';
import type { Setting } from '../../protocol/settings.js';
import type { AnalysisContext, MetricDeclaration, RunCost, Workload } from '../analysis.js';
import { type ActivationPlan, planActivations } from './activationPlan.js';
import { type Distribution, measureDistributions } from './distribution.js';
import { figuresOf, type HealthFigures } from './layerFigures.js';
import { rareMinimumSampleCount } from './states.js';
import { rmsSampleCount, sampleTotalOf, type Sweep, sweepActivations, type SweepRequest } from './sweep.js';

/** Settings that both analyses of one sweep share. */
export const sweepSettings = {
  epsilon: {
    kind: 'number',
    title: 'Relative threshold',
    description:
      'GELU-like neurons are active where |a| exceeds this × the RMS of their layer; bounded ones are constant within this × the width of their bounds.',
    default: 1e-3,
    minimum: 0,
    maximum: 1,
    exclusive: true,
  },
  topExamples: {
    kind: 'integer',
    title: 'Top examples',
    description: 'Samples kept per neuron, those with its largest outputs.',
    default: 8,
    minimum: 1,
    maximum: 100,
  },
  histogramBins: {
    kind: 'integer',
    title: 'Histogram bins',
    description: 'Bins of the histograms of each layer; 0 leaves the second pass that they need out.',
    default: 10,
    minimum: 0,
    maximum: 64,
  },
  histogramSamples: {
    kind: 'integer',
    title: 'Histogram samples',
    description: 'The histograms rest on the first samples, at most this many.',
    default: 512,
    minimum: 1,
    maximum: 1_000_000,
  },
} as const satisfies Record<string, Setting>;

/** Metrics that both analyses of one sweep share. */
export const sweepMetrics = {
  deadCount: { title: 'Dead neurons', description: 'Neurons that are never active on any sample.' },
  deadShare: { title: 'Dead share', description: 'Dead neurons over neurons that have a state.' },
  neuronCount: { title: 'Neurons', description: 'Neurons that have a state.' },
  sampleCount: { title: 'Samples', description: 'Samples that were run.' },
  meanSparsity: {
    title: 'Mean sparsity',
    description: '1 − share of outputs above 0, averaged over layers, each layer counting the same.',
  },
} as const satisfies Record<string, MetricDeclaration>;

/** What a run needs from the settings. */
export interface HealthOptions {
  readonly epsilon: number;
  readonly topExamples: number;
  readonly histogramBins: number;
  readonly histogramSamples: number;
  /** Counts |a| > this × the layer's largest |a| in the second pass. */
  readonly relativeThreshold?: number;
}

/** Forward passes that the sweep and the histograms take a sample, as measured (docs/performance.md). */
const sweepPasses = 1.6;
const histogramPasses = 1.8;

/**
 * Returns what the shared sweep and its histograms take.
 *
 * The short pass that measures the RMS of GELU-like layers, at most `rmsSampleCount` samples, is not counted.
 */
export function healthCost(
  { histogramBins, histogramSamples }: Pick<HealthOptions, 'histogramBins' | 'histogramSamples'>,
  { sampleCount }: Pick<Workload, 'sampleCount'>,
): RunCost {
  const secondCount = histogramBins > 0 ? Math.min(sampleCount, histogramSamples) : 0;
  const sweep = { passCount: sweepPasses * sampleCount, readCount: sampleCount };
  return {
    passCount: sweep.passCount + histogramPasses * secondCount,
    readCount: sweep.readCount + secondCount,
    shared: { sweep },
  };
}

/** Everything measured, ready for a report. */
export interface HealthResult {
  readonly plan: ActivationPlan;
  readonly sweep: Sweep;
  readonly figures: HealthFigures;
  readonly distributions: readonly Distribution[];
  readonly evidence: Evidence;
  readonly warnings: readonly string[];
  /** `10,000 images`. */
  readonly samples: string;
}

/**
 * Runs the shared sweep and the histogram pass; `partial` is shown as samples come in.
 *
 * @throws UserError `no-activations` when nothing in the model can be measured, saying why.
 */
export async function measureHealth(
  context: AnalysisContext,
  options: HealthOptions,
  partial: (result: HealthResult) => void,
): Promise<HealthResult> {
  const { data } = context;
  if (data === undefined) throw new Error('The runner starts no analysis without the data it needs.');
  const plan = await context.shared.once('activations', () => planActivations(context, data));
  if (plan.targets.length === 0) throw noActivations(plan);
  const base = { plan, distributions: [], data, epsilon: options.epsilon };
  const firstShare = options.histogramBins > 0 ? 1 - secondShare(context, options) : 1;
  const request: SweepRequest = {
    model: context.model,
    runtime: context.runtime,
    batchSize: context.batchSize,
    limit: context.limit,
    signal: context.signal,
    data,
    targets: plan.targets,
    epsilon: options.epsilon,
    topExampleCount: options.topExamples,
    onBatch: (sweep, total) => {
      context.progress({
        fractionDone: (sweep.sampleCount / Math.max(1, total)) * firstShare,
        message: `Counting (${formatNumber(sweep.sampleCount, 'count')} of ${formatNumber(total, 'count')} samples)`,
      });
      partial(resultOf({ ...base, sweep }));
    },
  };
  const key = JSON.stringify([options.epsilon, options.topExamples]);
  const sweep = await context.shared.once(`sweep ${key}`, () => sweepActivations(request));
  if (options.histogramBins === 0) return resultOf({ ...base, sweep });
  // An analysis before may have swept: there is an answer at once.
  context.progress({ fractionDone: firstShare, message: 'Histograms' });
  partial(resultOf({ ...base, sweep }));
  return resultOf({ ...base, sweep, distributions: await secondPass(request, sweep, options, context) });
}

function secondPass(
  request: SweepRequest,
  sweep: Sweep,
  options: HealthOptions,
  context: AnalysisContext,
): Promise<readonly Distribution[]> {
  const share = secondShare(context, options);
  return context.shared.once(`histograms ${JSON.stringify(options)}`, () =>
    measureDistributions(request, sweep, {
      binCount: options.histogramBins,
      sampleLimit: options.histogramSamples,
      ...(options.relativeThreshold === undefined ? {} : { relativeThreshold: options.relativeThreshold }),
      onBatch: (sampleCount, total) => {
        context.progress({
          fractionDone: 1 - share + share * (sampleCount / Math.max(1, total)),
          message: `Histograms (${formatNumber(sampleCount, 'count')} of ${formatNumber(total, 'count')} samples)`,
        });
      },
    }),
  );
}

/** Share of the run that the second pass takes, for the progress bar. */
function secondShare({ data, limit }: AnalysisContext, options: HealthOptions): number {
  if (data === undefined) return 0;
  const total = sampleTotalOf({ data, limit });
  const second = Math.min(total, options.histogramSamples);
  return second / Math.max(1, total + second);
}

function resultOf(parts: {
  readonly plan: ActivationPlan;
  readonly sweep: Sweep;
  readonly distributions: readonly Distribution[];
  readonly data: Dataset;
  readonly epsilon: number;
}): HealthResult {
  const { plan, sweep, distributions, data } = parts;
  const { sampleCount } = sweep;
  return {
    plan,
    sweep,
    distributions,
    figures: figuresOf(sweep, plan.names, parts.epsilon),
    evidence:
      sampleCount < data.sampleCount
        ? {
            kind: 'sampled',
            n: sampleCount,
            how: `the first ${formatNumber(sampleCount, 'count')} of ${formatNumber(data.sampleCount, 'count')} samples`,
          }
        : { kind: 'measured', n: sampleCount },
    warnings: [...plan.warnings, ...warningsOf(sweep)],
    samples: `${sampleCount.toLocaleString('en')} ${nounOf(data, sampleCount)}`,
  };
}

function warningsOf({ layers, sampleCount }: Sweep): string[] {
  return sampleCountWarnings(
    sampleCount,
    layers.some((layer) => layer.rms !== undefined),
  );
}

/** Returns what is not judged, or judged on fewer samples, because of how many there were. */
export function sampleCountWarnings(sampleCount: number, hasRms: boolean): string[] {
  const warnings: string[] = [];
  if (sampleCount < rareMinimumSampleCount) {
    warnings.push(
      `"Rare" (active on fewer than 0.1 % of samples) is not judged: that takes ${rareMinimumSampleCount.toLocaleString('en')} samples, and there ${sampleCount === 1 ? 'was' : 'were'} ${sampleCount.toLocaleString('en')}.`,
    );
  }
  if (hasRms && sampleCount > rmsSampleCount) {
    warnings.push(
      `The RMS that activity is relative to was measured on the first ${rmsSampleCount.toLocaleString('en')} samples.`,
    );
  }
  return warnings;
}

function nounOf(data: Dataset, count: number): string {
  const noun = holdsImages(data.kind) ? 'image' : 'sample';
  return count === 1 ? noun : `${noun}s`;
}

function noActivations(plan: ActivationPlan): UserError {
  const [first] = plan.unjudged;
  const why = first === undefined ? '' : ` For example, ${first.layer}: ${first.reason}.`;
  return new UserError(
    'no-activations',
    `This model has no activation whose neurons can be counted.${why} Choose a model with ReLU, GELU, Sigmoid or the like in its main graph.`,
  );
}
