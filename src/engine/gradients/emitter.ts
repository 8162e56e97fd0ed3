import { type DataType, dataTypeFacts } from '../../onnx/dataTypes.js';
import { type AttributeInput, type GraphBuilder } from '../graph/graphBuilder.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../../onnx/tensorValue.js';
import type { NodeContext } from './gradientRule.js';
import { ValueNotes } from './valueNotes.js';

/** Values that are another one times a number, so that factors one after the other become one. */
const scalings = new ValueNotes<{ readonly of: string; readonly factor: number }>();

type Attributes = Readonly<Record<string, AttributeInput>>;

/**
 * Writes the algebra of gradient rules as nodes; scalars take the element type of the differentiated value.
 *
 * Every method appends one node, or few, and returns the name of the result.
 */
export class Emitter {
  readonly builder: GraphBuilder;
  readonly elementType: DataType;

  constructor(builder: GraphBuilder, elementType: DataType) {
    this.builder = builder;
    this.elementType = elementType;
  }

  node(opType: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.builder.node(opType, inputs, { attributes });
  }

  add(a: string, b: string): string {
    return this.node('Add', [a, b]);
  }

  sub(a: string, b: string): string {
    return this.node('Sub', [a, b]);
  }

  mul(a: string, b: string): string {
    return this.node('Mul', [a, b]);
  }

  div(a: string, b: string): string {
    return this.node('Div', [a, b]);
  }

  neg(a: string): string {
    if (scalings.of(this.builder, a) !== undefined) return this.scale(a, -1);
    return scalings.set(this.builder, this.node('Neg', [a]), { of: a, factor: -1 });
  }

  square(a: string): string {
    return this.node('Mul', [a, a]);
  }

  /** Returns a × factor; a itself when the factor is 1. */
  scale(a: string, factor: number): string {
    if (factor === 1) return a;
    const before = scalings.of(this.builder, a);
    const whole = { of: before?.of ?? a, factor: factor * (before?.factor ?? 1) };
    return scalings.set(this.builder, this.mul(whole.of, this.scalar(whole.factor)), whole);
  }

  /** Returns `a` where the condition holds and 0 elsewhere. */
  keepWhere(condition: string, a: string): string {
    return this.node('Where', [condition, a, this.scalar(0)]);
  }

  /** Returns `a` · 1 where the condition holds and · 0 elsewhere: 1.7 × as fast as Where; `a` must be finite. */
  maskWhere(condition: string, a: string): string {
    return this.mul(a, this.castTo(condition, this.elementType));
  }

  where(condition: string, a: string, b: string): string {
    return this.node('Where', [condition, a, b]);
  }

  greater(a: string, b: string): string {
    return this.node('Greater', [a, b]);
  }

  /** Returns where `a` is not 0: a cast, half the time of a comparison; NaN is not 0. */
  isNonZero(a: string): string {
    return this.castTo(a, 'bool');
  }

  less(a: string, b: string): string {
    return this.node('Less', [a, b]);
  }

  /** Returns a scalar constant of the differentiated value's element type. */
  scalar(value: number): string {
    return this.scalarOf(value, this.elementType);
  }

  private scalarOf(value: number, type: DataType): string {
    if (type === 'float64') {
      return this.builder.constant({ dtype: 'float64', dims: [], data: Float64Array.of(value) });
    }
    const single = this.builder.constant(float32Tensor([value], []));
    return type === 'float32' ? single : this.castTo(single, type);
  }

  castTo(a: string, type: DataType): string {
    return this.builder.cast(a, dataTypeFacts(type).code);
  }

  /** Sums over axes; `a` itself when there are none. */
  sum(a: string, axes: readonly number[], keepDims: boolean): string {
    return axes.length === 0 ? a : this.builder.reduce('ReduceSum', a, axes, keepDims);
  }

  mean(a: string, axes: readonly number[]): string {
    return this.builder.reduce('ReduceMean', a, axes, true);
  }

  ints(values: readonly number[]): string {
    return this.builder.int64s(values);
  }

  intScalar(value: number): string {
    return this.builder.constant(int64Tensor([value], []));
  }

  constant(value: TensorValue): string {
    return this.builder.constant(value);
  }

  /** Returns the sizes of a value at run time, all or those of axes `start` … `end` − 1. */
  shape(a: string, start?: number, end?: number): string {
    return this.node('Shape', [a], {
      ...(start === undefined ? {} : { start }),
      ...(end === undefined ? {} : { end }),
    });
  }

  /** Returns the number of elements as an int64 of shape [1]. */
  elementCount(a: string): string {
    return this.reshape(this.node('Size', [a]), this.ints([1]));
  }

  reshape(a: string, shape: string): string {
    return this.node('Reshape', [a, shape]);
  }

  reshapeTo(a: string, dims: readonly number[]): string {
    return this.reshape(a, this.ints(dims));
  }

  /** Reshapes `a` to the run-time shape of another value. */
  reshapeLike(a: string, like: string): string {
    return this.reshape(a, this.shape(like));
  }

  /** Broadcasts `a` to the run-time shape of another value. */
  expandLike(a: string, like: string): string {
    return this.node('Expand', [a, this.shape(like)]);
  }

  transpose(a: string, perm: readonly number[]): string {
    return perm.every((axis, i) => axis === i) ? a : this.node('Transpose', [a], { perm });
  }

  squeeze(a: string, axes: readonly number[]): string {
    return axes.length === 0 ? a : this.node('Squeeze', [a, this.ints(axes)]);
  }

  unsqueeze(a: string, axes: readonly number[]): string {
    return axes.length === 0 ? a : this.node('Unsqueeze', [a, this.ints(axes)]);
  }

  concat(parts: readonly string[], axis: number): string {
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : this.node('Concat', parts, { axis });
  }

  /** Cuts an axis of so many positions into single ones, which keep it; `[a]` where there is one. */
  split(a: string, axis: number, size: number): readonly string[] {
    if (size === 1) return [a];
    const outputs = Array.from({ length: size }, () => this.builder.freshName('ni/Split'));
    const sizes = this.ints(outputs.map(() => 1));
    this.builder.node('Split', [a, sizes], { attributes: { axis }, outputs });
    return outputs;
  }

  /**
   * Returns zeros of a run-time shape with numbers added at places, by ScatterElements along `axis` or, without, ScatterND.
   *
   * In float32 where the numbers have 16 bits: the runtime adds no others, and sums of many keep their digits.
   */
  addedAt(
    shape: string,
    where: { readonly places: string; readonly numbers: string; readonly axis?: number },
  ): string {
    const isHalf = dataTypeFacts(this.elementType).bits === 16;
    const wide = isHalf ? new Emitter(this.builder, 'float32') : this;
    const numbers = isHalf ? this.castTo(where.numbers, 'float32') : where.numbers;
    const operands = [wide.zeros(shape), where.places, numbers];
    const sums =
      where.axis === undefined
        ? this.node('ScatterND', operands, { reduction: 'add' })
        : this.node('ScatterElements', operands, { axis: where.axis, reduction: 'add' });
    return isHalf ? this.castTo(sums, this.elementType) : sums;
  }

  /** Returns zeros of a run-time shape in the differentiated value's element type. */
  zeros(shape: string): string {
    const { bits } = dataTypeFacts(this.elementType);
    const value = {
      name: '',
      elementType: this.elementType,
      dims: [1],
      source: { kind: 'inline', bytes: new Uint8Array(bits / 8) },
    } as const;
    return this.node('ConstantOfShape', [shape], { value: { kind: 'tensor', value } });
  }

  /** Returns ones of a run-time shape in the differentiated value's element type. */
  ones(shape: string): string {
    return this.node('Expand', [this.scalar(1), shape]);
  }
}

/** Returns an emitter whose scalars have the element type of the node's first input, or of the named value. */
export function emitterFor(context: NodeContext, value = context.node.inputs[0] ?? ''): Emitter {
  const type = context.typeOf(value);
  const elementType = type.kind === 'tensor' ? type.elementType : 'float32';
  return new Emitter(context.builder, elementType);
}
