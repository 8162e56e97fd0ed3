import type { GraphBuilder } from '../graph/graphBuilder.js';
import type { Emitter } from './emitter.js';
import { axesFrom } from './staticShapes.js';

/** A cotangent [N, C, …] that is another one times a factor [C] per channel. */
export interface ChannelScaling {
  readonly unscaled: string;
  readonly factor: string;
  /** Whether the factor is computed from constants alone. */
  readonly isFixed: boolean;
}

const scalings = new WeakMap<GraphBuilder, Map<string, ChannelScaling>>();

/**
 * Appends `unscaled` times a factor per channel, and remembers how it was made.
 *
 * A convolution in front of a BatchNormalization can then scale what it makes of the cotangent, or its weight, instead of
 * the map.
 */
export function emitChannelScale(emit: Emitter, scaling: ChannelScaling, rank: number): string {
  const scaled = emit.mul(scaling.unscaled, emit.unsqueeze(scaling.factor, axesFrom(1, rank - 1)));
  const known = scalings.get(emit.builder) ?? new Map<string, ChannelScaling>();
  scalings.set(emit.builder, known.set(scaled, scaling));
  return scaled;
}

/** Returns how a value was made by `emitChannelScale` in this graph, or undefined when it was not. */
export function channelScalingOf(builder: GraphBuilder, value: string): ChannelScaling | undefined {
  return scalings.get(builder)?.get(value);
}
