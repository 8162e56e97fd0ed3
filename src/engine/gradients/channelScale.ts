import type { GraphBuilder } from '../graph/graphBuilder.js';
import type { Emitter } from './emitter.js';
import { axesFrom } from './staticShapes.js';

/** A cotangent [N, C, …] that is another one times a constant factor [C] per channel. */
export interface ChannelScaling {
  readonly unscaled: string;
  readonly factor: string;
}

const scalings = new WeakMap<GraphBuilder, Map<string, ChannelScaling>>();

/**
 * Appends `unscaled` times a constant `factor` per channel, and remembers how it was made.
 *
 * A convolution in front of a BatchNormalization can then take the factor into its weight, which the runtime computes
 * once, instead of passing over the map.
 */
export function emitConstantScale(emit: Emitter, { unscaled, factor }: ChannelScaling, rank: number): string {
  const scaled = emit.mul(unscaled, emit.unsqueeze(factor, axesFrom(1, rank - 1)));
  const known = scalings.get(emit.builder) ?? new Map<string, ChannelScaling>();
  scalings.set(emit.builder, known.set(scaled, { unscaled, factor }));
  return scaled;
}

/** Returns how a value was made by `emitConstantScale` in this graph, or undefined when it was not. */
export function constantScalingOf(builder: GraphBuilder, value: string): ChannelScaling | undefined {
  return scalings.get(builder)?.get(value);
}
