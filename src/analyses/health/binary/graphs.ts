import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';
import type { TensorValue } from '../../../onnx/tensorValue.js';
import type { BinarySite } from './sites.js';

/** A graph that measures binary sites, with what it gives for each of them. */
export interface SiteGraph<T> {
  readonly model: Model;
  readonly outputs: readonly T[];
}

/** Outputs of the first pass, all [N, C, …, 1]: C is 1 where a site has no positions. */
export interface MomentOutputs {
  /** E[x], E[x²], E[x³] of each instance, over positions, or over units where there are none. */
  readonly powers: readonly [string, string, string];
  /** How many bits are 1, by instance and unit, [N, U]. */
  readonly ones: string;
  /** Shape of the value, [rank]. */
  readonly shape: string;
  /** The thresholds that the model computes, where it does. */
  readonly threshold: string | undefined;
}

/** What the second pass compares with. */
export interface ComparisonInputs {
  /** Inputs [N, C, 1, …] of thresholds by rule. */
  readonly thresholds: readonly string[];
  /** Bits that differ from the model's own by rule, instance and unit, [N, U]. */
  readonly flips: readonly string[];
  /** How many elements lie above each edge, by instance, [N, edges]. */
  readonly above: string;
}

/** Edges of the histograms: distances from the threshold in standard deviations. */
export const histogramEdges: readonly number[] = Array.from({ length: 25 }, (_, i) => (i - 12) / 4);

const float64 = dataTypeFacts('float64').code;

/** Returns the axes of an instance that moments are taken over. */
export function momentAxes({ target: { rank, unitAxis } }: BinarySite): readonly number[] {
  return rank === 2 ? [1] : positionAxes(rank, unitAxis);
}

function positionAxes(rank: number, unitAxis: number): readonly number[] {
  return Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis !== 0 && axis !== unitAxis);
}

/** Returns the graph of the moments and bits of every instance. */
export function momentGraph(model: Model, sites: readonly BinarySite[]): SiteGraph<MomentOutputs> {
  return build(model, sites, (builder, site) => {
    const { base, bits } = appendSite(builder, site);
    const square = builder.node('Mul', [base, base]);
    const powers = [base, square, builder.node('Mul', [square, base])].map((value) =>
      builder.reduce('ReduceMean', value, momentAxes(site), true),
    ) as [string, string, string];
    const threshold =
      site.isInstanceAware && site.threshold !== undefined
        ? builder.cast(site.threshold, float64)
        : undefined;
    return {
      powers,
      threshold,
      ones: appendCount(builder, bits, site),
      shape: builder.node('Shape', [base]),
    };
  });
}

/** Returns the graph that counts bits that other thresholds would flip, and elements by their distance from the model's. */
export function comparisonGraph(
  model: Model,
  sites: readonly BinarySite[],
  ruleCounts: readonly number[],
  deviations: readonly TensorValue[],
): SiteGraph<ComparisonInputs> {
  return build(model, sites, (builder, site, at) => {
    const { base, bits, distance } = appendSite(builder, site);
    const thresholds = Array.from({ length: ruleCounts[at] ?? 0 }, () =>
      builder.addInput(builder.freshName('ni/threshold'), {
        kind: 'tensor',
        elementType: 'float64',
        shape: null,
      }),
    );
    const flips = thresholds.map((threshold) => {
      const others = appendBits(builder, base, threshold, site);
      return appendCount(builder, builder.node('Xor', [bits, others]), site);
    });
    const { rank } = site.target;
    const axes = Array.from({ length: rank - 1 }, (_, axis) => axis + 1);
    const scaled = builder.node('Div', [distance, builder.constant(deviations[at] ?? one)]);
    const above = histogramEdges.map((edge) => {
      const flags = builder.node('Greater', [
        scaled,
        builder.constant({ ...one, data: Float64Array.of(edge) }),
      ]);
      const count = builder.reduce('ReduceSum', builder.cast(flags, float64), axes, false);
      return builder.node('Unsqueeze', [count, builder.int64s([1])]);
    });
    return { thresholds, flips, above: builder.node('Concat', above, { attributes: { axis: 1 } }) };
  });
}

const one: TensorValue = { dtype: 'float64', dims: [], data: Float64Array.of(1) };

function build<T extends MomentOutputs | ComparisonInputs>(
  model: Model,
  sites: readonly BinarySite[],
  append: (builder: GraphBuilder, site: BinarySite, at: number) => T,
): SiteGraph<T> {
  const builder = new GraphBuilder(model);
  builder.setOutputs([]);
  const outputs = sites.map((site, at) => append(builder, site, at));
  const names = outputs.flatMap((output) =>
    'powers' in output
      ? [
          ...output.powers,
          output.ones,
          output.shape,
          ...(output.threshold === undefined ? [] : [output.threshold]),
        ]
      : [...output.flips, output.above],
  );
  for (const name of names) builder.addOutput(name);
  return { model: prune(builder.build(), [...new Set(names)]), outputs };
}

interface AppendedSite {
  /** What thresholds are compared with, float64: the value, less its constant threshold. */
  readonly base: string;
  /** The model's own bits: true where they are 1. */
  readonly bits: string;
  /** The value less the model's own threshold. */
  readonly distance: string;
}

function appendSite(builder: GraphBuilder, site: BinarySite): AppendedSite {
  const value = builder.cast(site.target.leaving, float64);
  const zero = builder.constant({ ...one, data: Float64Array.of(0) });
  if (site.threshold === undefined) {
    return { base: value, bits: appendBits(builder, value, zero, site), distance: value };
  }
  const distance = builder.node('Sub', [value, builder.cast(site.threshold, float64)]);
  const base = site.isInstanceAware ? value : distance;
  return { base, bits: appendBits(builder, distance, zero, site), distance };
}

function appendBits(
  builder: GraphBuilder,
  value: string,
  threshold: string,
  { isBelow, includesEqual }: BinarySite,
): string {
  const comparison = `${isBelow ? 'Less' : 'Greater'}${includesEqual ? 'OrEqual' : ''}`;
  return builder.node(comparison, [value, threshold]);
}

/** Counts flags by instance and unit, [N, U]. */
function appendCount(
  builder: GraphBuilder,
  flags: string,
  { target: { rank, unitAxis } }: BinarySite,
): string {
  const numbers = builder.cast(flags, float64);
  const axes = positionAxes(rank, unitAxis);
  return axes.length === 0 ? numbers : builder.reduce('ReduceSum', numbers, axes, false);
}
