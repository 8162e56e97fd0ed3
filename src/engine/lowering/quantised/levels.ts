import { Emitter } from '../../gradients/emitter.js';
import { emitIsUncut } from '../../gradients/quantisedRange.js';
import { rankOf } from '../../gradients/staticShapes.js';
import type { Composite } from '../entry.js';

/** A quantised operand: its levels, their scale and the level that stands for 0; one each or one per channel. */
export interface Levels {
  readonly levels: string;
  readonly scale?: string | undefined;
  readonly zero?: string | undefined;
  /** How scale and zero point are shaped to broadcast, when they are one per channel. */
  readonly spread?: (perChannel: string) => string;
}

/** Returns an emitter of float32, in which quantised operators are said. */
export function realEmitter({ context }: Composite): Emitter {
  return new Emitter(context.builder, 'float32');
}

/** Appends the real numbers that levels stand for, (q − zero)·scale. */
export function emitReal(composite: Composite, { levels, scale, zero, spread }: Levels): string {
  const emit = realEmitter(composite);
  const shaped = (value: string): string =>
    spread !== undefined && rankOf(composite.context, value) > 0 ? spread(value) : value;
  const number = emit.castTo(levels, 'float32');
  const centred = zero === undefined ? number : emit.sub(number, emit.castTo(shaped(zero), 'float32'));
  return scale === undefined ? centred : emit.mul(centred, shaped(scale));
}

/**
 * Appends the levels of a result as real numbers, value/scale + zero, where the composite's own first output is not cut.
 *
 * The composite's output is read only to see where it was cut.
 */
export function emitLevels(
  composite: Composite,
  value: string,
  { scale, zero }: Omit<Levels, 'levels'>,
): string {
  const { context, node } = composite;
  const emit = realEmitter(composite);
  const scaled = scale === undefined ? value : emit.div(value, scale);
  const real = zero === undefined ? scaled : emit.add(scaled, emit.castTo(zero, 'float32'));
  const [output = ''] = node.outputs;
  const type = context.typeOf(zero ?? output);
  const isUncut = emitIsUncut(emit, output, type.kind === 'tensor' ? type.elementType : 'uint8');
  return isUncut === undefined ? real : emit.keepWhere(isUncut, real);
}
