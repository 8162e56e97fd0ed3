import type { GraphBuilder } from '../graph/graphBuilder.js';
import type { Emitter } from './emitter.js';
import { axesFrom } from './staticShapes.js';
import { ValueNotes } from './valueNotes.js';

/** A cotangent [N, C, …] that is another one times a factor [C] per channel. */
export interface ChannelScaling {
  readonly unscaled: string;
  readonly factor: string;
  /** Whether the factor is computed from constants alone. */
  readonly isFixed: boolean;
}

const scalings = new ValueNotes<ChannelScaling>();

/**
 * Appends `unscaled` times a factor per channel, and notes how it was made.
 *
 * A convolution in front of a BatchNormalization can then scale what it makes of the cotangent, or its weight, instead of
 * the map.
 */
export function emitChannelScale(emit: Emitter, scaling: ChannelScaling, rank: number): string {
  const scaled = emit.mul(scaling.unscaled, emit.unsqueeze(scaling.factor, axesFrom(1, rank - 1)));
  return scalings.set(emit.builder, scaled, scaling);
}

/** Returns how a value was made by `emitChannelScale` in this graph, or undefined when it was not. */
export function channelScalingOf(builder: GraphBuilder, value: string): ChannelScaling | undefined {
  return scalings.of(builder, value);
}
