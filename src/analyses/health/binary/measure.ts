import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { UserError } from '../../../base/errors.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { Model } from '../../../onnx/model.js';
import type { AnalysisContext } from '../../analysis.js';
import { type FedBatch, fedBatches, pickFeeds } from '../../shared/sweep.js';
import { comparisonGraph, histogramEdges, momentGraph } from './graphs.js';
import type { BinarySite } from './sites.js';

/** Another threshold than the model's. */
export type ThresholdRule = 'mean' | 'third-moment' | 'static';

/** How far rules move thresholds. */
export interface RuleScales {
  readonly mean: number;
  readonly thirdMoment: number;
}

/** What was measured of one binary site. */
export interface SiteFigures {
  readonly site: BinarySite;
  readonly sampleCount: number;
  /** Elements over all samples. */
  readonly elementCount: number;
  /** Mean, variance and E[z³] by instance and channel, [N, C]: z is standardised over all data, by channel. */
  readonly channelCount: number;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  readonly thirdMoment: Float64Array;
  /** Bits that are 1 over all samples, by unit. */
  readonly ones: Float64Array;
  /** Bits that each rule flips over all samples, by unit. */
  readonly flips: ReadonlyMap<ThresholdRule, Float64Array>;
  /** Elements between the edges, in standard deviations from the threshold; the first and last bins are open. */
  readonly histogram: Float64Array;
}

/** What is asked for. */
export interface BinaryRequest {
  readonly sites: readonly BinarySite[];
  readonly scales: RuleScales;
  readonly sampleCount: number;
}

/**
 * Measures every site in two passes: moments and bits of every instance, then how many bits thresholds made of these moments
 * would flip. What leaves the runtime is by instance and channel, never by position.
 */
export async function measureBinary(
  context: AnalysisContext,
  { sites, scales, sampleCount }: BinaryRequest,
): Promise<SiteFigures[]> {
  const instances = await readInstances(context, sites, sampleCount);
  const rules = sites.map((site, at) => rulesOf(site, instances[at] ?? none, scales));
  const graph = comparisonGraph(
    context.model,
    sites,
    rules.map(({ length }) => length),
    sites.map((site, at) => channelTensor(site, (instances[at] ?? none).deviation)),
  );
  const flips = rules.map((own, at) => own.map(() => new Float64Array(sites[at]?.target.unitCount ?? 0)));
  const above = sites.map(() => new Float64Array(histogramEdges.length));
  await forBatches(context, graph.model, { sampleCount, from: 0.5 }, (batch) => ({
    feeds: Object.fromEntries(
      graph.outputs.flatMap(({ thresholds }, at) =>
        thresholds.map((name, rule) => [name, thresholdsFor(sites[at], rules[at]?.[rule], batch)]),
      ),
    ),
    fold: (read) => {
      for (const [at, outputs] of graph.outputs.entries()) {
        outputs.flips.forEach((name, rule) => {
          addRows(flips[at]?.[rule], read(name), batch.batch.sampleCount);
        });
        addRows(above[at], read(outputs.above), batch.batch.sampleCount);
      }
    },
  }));
  return sites.map((site, at): SiteFigures => {
    const own = instances[at] ?? none;
    return {
      ...{ site, sampleCount: own.sampleCount, elementCount: own.elementCount },
      ...{ channelCount: own.channelCount, mean: own.mean, variance: own.variance },
      ...{ thirdMoment: own.thirdMoment, ones: own.ones },
      flips: new Map(rules[at]?.map(({ rule }, i) => [rule, flips[at]?.[i] ?? empty])),
      histogram: binsOf(above[at] ?? empty, own.elementCount),
    };
  });
}

interface Instances {
  readonly sampleCount: number;
  readonly elementCount: number;
  readonly channelCount: number;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  readonly thirdMoment: Float64Array;
  /** Mean of z by instance and channel. */
  readonly shift: Float64Array;
  /** By channel, over all data. */
  readonly deviation: Float64Array;
  readonly ones: Float64Array;
  /** The model's own thresholds by instance and channel, where it computes them. */
  readonly threshold: Float64Array | undefined;
}

const empty = new Float64Array();
const none: Instances = {
  ...{ sampleCount: 0, elementCount: 0, channelCount: 0, mean: empty, variance: empty },
  ...{ thirdMoment: empty, shift: empty, deviation: empty, ones: empty, threshold: undefined },
};

async function readInstances(
  context: AnalysisContext,
  sites: readonly BinarySite[],
  limit: number,
): Promise<Instances[]> {
  const graph = momentGraph(context.model, sites);
  const rows = sites.map(() => ({ powers: [[], [], []] as number[][], threshold: [] as number[] }));
  const ones = sites.map(({ target }) => new Float64Array(target.unitCount));
  const elementCounts = sites.map(() => 0);
  let sampleCount = 0;
  await forBatches(context, graph.model, { sampleCount: limit, from: 0 }, ({ batch, rowCount }) => ({
    feeds: {},
    fold: (read) => {
      const kept = (value: TensorValue): Float64Array =>
        toFloat64(value).subarray(0, (value.data.length / rowCount) * batch.sampleCount);
      for (const [at, outputs] of graph.outputs.entries()) {
        outputs.powers.forEach((name, power) => rows[at]?.powers[power]?.push(...kept(read(name))));
        addRows(ones[at], read(outputs.ones), batch.sampleCount);
        const perSample = toFloat64(read(outputs.shape))
          .subarray(1)
          .reduce((product, size) => product * size, 1);
        elementCounts[at] = (elementCounts[at] ?? 0) + perSample * batch.sampleCount;
        if (outputs.threshold !== undefined) rows[at]?.threshold.push(...kept(read(outputs.threshold)));
      }
      sampleCount += batch.sampleCount;
    },
  }));
  return sites.map((site, at) => {
    const { powers = [], threshold = [] } = rows[at] ?? {};
    const channelCount = site.target.rank === 2 ? 1 : site.target.unitCount;
    return {
      ...momentsOf(powers, { sampleCount, channelCount, layer: site.layer }),
      elementCount: elementCounts[at] ?? 0,
      ones: ones[at] ?? empty,
      threshold: site.isInstanceAware ? byChannel(threshold, sampleCount * channelCount) : undefined,
    };
  });
}

/** Standardises by the mean and deviation of each channel over all data; a channel that never varies keeps its scale. */
function momentsOf(
  powers: readonly (readonly number[])[],
  { sampleCount, channelCount, layer }: { sampleCount: number; channelCount: number; layer: string },
): Omit<Instances, 'elementCount' | 'ones' | 'threshold'> {
  const power = (which: number, at: number): number => powers[which]?.[at] ?? NaN;
  const center = new Float64Array(channelCount);
  const deviation = new Float64Array(channelCount);
  for (let channel = 0; channel < channelCount; channel++) {
    let [first, second] = [0, 0];
    for (let i = 0; i < sampleCount; i++) {
      first += power(0, i * channelCount + channel) / sampleCount;
      second += power(1, i * channelCount + channel) / sampleCount;
    }
    if (!Number.isFinite(first) || !Number.isFinite(second)) throw notFinite(layer);
    center[channel] = first;
    deviation[channel] = Math.sqrt(Math.max(0, second - first ** 2)) || 1;
  }
  const count = sampleCount * channelCount;
  const mean = Float64Array.from({ length: count }, (_, at) => power(0, at));
  const variance = mean.map((first, at) => Math.max(0, power(1, at) - first ** 2));
  const shift = mean.map((first, at) => {
    const channel = at % channelCount;
    return (first - (center[channel] ?? 0)) / (deviation[channel] ?? 1);
  });
  const thirdMoment = mean.map((first, at) => {
    const mu = center[at % channelCount] ?? 0;
    const cubes = power(2, at) - 3 * mu * power(1, at) + 3 * mu ** 2 * first - mu ** 3;
    return cubes / (deviation[at % channelCount] ?? 1) ** 3;
  });
  return { sampleCount, channelCount, mean, variance, thirdMoment, shift, deviation };
}

/** Thresholds by instance and channel; one number for all channels of an instance is that of each. */
function byChannel(values: readonly number[], count: number): Float64Array {
  const each = count / values.length;
  return Float64Array.from({ length: count }, (_, at) => values[Math.floor(at / each)] ?? NaN);
}

interface Rule {
  readonly rule: ThresholdRule;
  /** By instance and channel, compared with what the site binarises. */
  readonly thresholds: Float64Array;
}

/** Where the model sets its thresholds by instance they are compared with their own means; else with ones made of moments. */
function rulesOf({ isInstanceAware }: BinarySite, instances: Instances, scales: RuleScales): Rule[] {
  const { channelCount, sampleCount, threshold, deviation, shift, thirdMoment } = instances;
  if (isInstanceAware && threshold !== undefined) {
    const means = new Float64Array(channelCount);
    for (const [at, value] of threshold.entries()) {
      means[at % channelCount] = (means[at % channelCount] ?? 0) + value / sampleCount;
    }
    return [{ rule: 'static', thresholds: threshold.map((_, at) => means[at % channelCount] ?? NaN) }];
  }
  const scaled = (by: Float64Array, scale: number): Float64Array =>
    by.map((value, at) => scale * value * (deviation[at % channelCount] ?? 1));
  return [
    { rule: 'mean', thresholds: scaled(shift, scales.mean) },
    { rule: 'third-moment', thresholds: scaled(thirdMoment, scales.thirdMoment) },
  ];
}

/** Numbers by channel, shaped to broadcast: [C, 1, …], or [1] where channels are the layer. */
function channelTensor({ target: { rank, unitAxis } }: BinarySite, data: Float64Array): TensorValue {
  const dims = rank === 2 ? [1] : [data.length, ...new Array<number>(rank - 1 - unitAxis).fill(1)];
  return { dtype: 'float64', dims, data };
}

/** The thresholds of a batch's rows, the last one again where the batch was filled up. */
function thresholdsFor(
  site: BinarySite | undefined,
  rule: Rule | undefined,
  { batch, rowCount }: FedBatch,
): TensorValue {
  if (site === undefined || rule === undefined) {
    throw new Error('Every threshold belongs to a rule of a site.');
  }
  const { rank, unitAxis, unitCount } = site.target;
  const channelCount = rank === 2 ? 1 : unitCount;
  const data = new Float64Array(rowCount * channelCount);
  for (let row = 0; row < rowCount; row++) {
    const from = (batch.firstIndex + Math.min(row, batch.sampleCount - 1)) * channelCount;
    data.set(rule.thresholds.subarray(from, from + channelCount), row * channelCount);
  }
  const dims = new Array<number>(rank).fill(1);
  dims[0] = rowCount;
  dims[rank === 2 ? 1 : unitAxis] = channelCount;
  return { dtype: 'float64', dims, data };
}

/** Adds the rows of [N, K] that are samples. */
function addRows(to: Float64Array | undefined, value: TensorValue, sampleCount: number): void {
  if (to === undefined) return;
  const numbers = toFloat64(value).subarray(0, sampleCount * to.length);
  for (const [at, number] of numbers.entries()) to[at % to.length] = (to[at % to.length] ?? 0) + number;
}

function binsOf(above: Float64Array, total: number): Float64Array {
  const bounds = [total, ...above, 0];
  return Float64Array.from({ length: above.length + 1 }, (_, i) => (bounds[i] ?? 0) - (bounds[i + 1] ?? 0));
}

interface Step {
  readonly feeds: Readonly<Record<string, TensorValue>>;
  readonly fold: (read: (name: string) => TensorValue) => void;
}

/** One pass over the samples: half of the bar. */
async function forBatches(
  context: AnalysisContext,
  model: Model,
  { sampleCount, from }: { readonly sampleCount: number; readonly from: number },
  stepOf: (batch: FedBatch) => Step,
): Promise<void> {
  const { data, runtime, signal } = context;
  if (data === undefined) throw new Error('The runner starts no analysis without the data it needs.');
  const session = await runtime.open(model);
  try {
    for await (const batch of fedBatches({ ...context, data }, context.model, sampleCount)) {
      const step = stepOf(batch);
      const values = await session.run({ ...pickFeeds(batch.feeds, session), ...step.feeds });
      step.fold((name) => {
        const value = values[name];
        if (value === undefined) throw new Error(`The runtime gave no ${name}.`);
        return value;
      });
      const done = batch.batch.firstIndex + batch.batch.sampleCount;
      context.progress({
        fractionDone: from + (0.5 * done) / sampleCount,
        message: `${from === 0 ? 'Moments' : 'Flips'} (${String(done)} of ${String(sampleCount)} samples)`,
      });
      await yieldToEventLoop();
      throwIfAborted(signal);
    }
  } finally {
    await session.close();
  }
}

function notFinite(layer: string): UserError {
  return new UserError(
    'not-finite',
    `What ${layer} computes is NaN or infinite on some sample, so it has no moments. Find the first layer where this happens with dead-neurons.`,
    { detail: { layer } },
  );
}
