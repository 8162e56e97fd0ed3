import type { ChannelMoments } from './channelMoments.js';
import { gaussianOf, scaleOf } from './channelMoments.js';
import { channelDivergence, type Gaussian } from './gaussians.js';
import type { MeasuredGroup } from './measureChannels.js';
import type { NormPart } from './normParts.js';

/** How far the channels of one layer are apart on two data sets. */
export interface LayerDivergence {
  readonly layer: string;
  readonly operator: string;
  /** By channel; infinite where it is constant on one data set only, NaN where it is not finite. */
  readonly channels: Float64Array;
  readonly gaussians: readonly (readonly [Gaussian, Gaussian])[];
  /** Over the channels with a finite divergence; NaN where there is none. */
  readonly mean: number;
  readonly separatedCount: number;
  readonly nonFiniteCount: number;
}

/** Returns the divergence of every layer, in the order of the targets. */
export function layerDivergences(
  layers: readonly { readonly layer: string; readonly operator: string }[],
  [a, b]: readonly [MeasuredGroup, MeasuredGroup],
): LayerDivergence[] {
  return layers.flatMap(({ layer, operator }, i) => {
    const [own, other] = [a.layers[i], b.layers[i]];
    return own === undefined || other === undefined ? [] : [divergenceOf({ layer, operator }, own, other)];
  });
}

function divergenceOf(
  place: { readonly layer: string; readonly operator: string },
  a: ChannelMoments,
  b: ChannelMoments,
): LayerDivergence {
  const gaussians = Array.from(a.mean, (_, unit) => [gaussianOf(a, unit), gaussianOf(b, unit)] as const);
  const channels = Float64Array.from(gaussians, ([own, other], unit) =>
    channelDivergence(own, other, scaleOf(a, b, unit)),
  );
  return {
    ...place,
    channels,
    gaussians,
    mean: finiteMean(channels),
    separatedCount: channels.filter((value) => value === Infinity).length,
    nonFiniteCount: channels.filter(Number.isNaN).length,
  };
}

/** Returns the mean of the finite ones; NaN where there is none. */
export function finiteMean(values: Float64Array): number {
  const finite = values.filter(Number.isFinite);
  return finite.reduce((sum, value) => sum + value, 0) / finite.length;
}

/** A part of an IBN block with the divergence of its channels. */
export interface PartDivergence {
  readonly part: NormPart;
  readonly channels: Float64Array;
}

/** Returns the channels of each part, cut out of the layers they are measured at. */
export function partDivergences(
  parts: readonly NormPart[],
  layers: readonly LayerDivergence[],
): PartDivergence[] {
  return parts.flatMap((part) => {
    const at = layers.find(({ layer }) => layer === part.layer);
    return at === undefined ? [] : [{ part, channels: at.channels.slice(part.from, part.to) }];
  });
}

/** Returns the mean divergence of all channels of one kind of normalisation; undefined where there is no finite one. */
export function normDivergence(parts: readonly PartDivergence[], norm: NormPart['norm']): number | undefined {
  const own = parts.filter(({ part }) => part.norm === norm);
  const mean = finiteMean(Float64Array.from(own.flatMap(({ channels }) => [...channels])));
  return Number.isFinite(mean) ? mean : undefined;
}
