import type { RecognisedBlock } from '../../src/onnx/blocks/recognisedBlock.js';
import { float32Tensor, int64Tensor } from '../../src/onnx/tensorValue.js';
import { PlantedModel } from './plantedModel.js';

/** Builds the operators that blocks are planted from, as one exporter or another writes them. */
export class BlockBuilder {
  readonly planted: PlantedModel;
  private count = 0;

  constructor(shape: readonly (number | string)[]) {
    this.planted = new PlantedModel(shape);
  }

  /** Adds a node without a name. */
  op(
    opType: string,
    inputs: readonly string[],
    attributes: Record<string, number | readonly number[]> = {},
  ): string {
    return this.planted.node(opType, inputs, { attributes });
  }

  /** Adds a node of ONNX Runtime's domain. */
  fused(
    opType: string,
    inputs: readonly string[],
    attributes: Record<string, string | number | readonly number[]> = {},
  ): string {
    return this.planted.node(opType, inputs, { domain: 'com.microsoft', attributes });
  }

  /** Adds a float constant. */
  constant(dims: readonly number[] = [], value = 0.5): string {
    const count = dims.reduce((product, size) => product * size, 1);
    return this.planted.builder.constant(
      float32Tensor(new Array<number>(count).fill(value), dims),
      `c${this.count++}`,
    );
  }

  /** Adds integers. */
  ints(...values: number[]): string {
    return this.planted.builder.constant(int64Tensor(values, [values.length]), `i${this.count++}`);
  }

  /** Adds a convolution of one group, padded. */
  conv(input: string, [from, to]: readonly [number, number], size = 3): string {
    const pad = (size - 1) / 2;
    const weight = this.planted.weight([to, from, size, size]);
    return this.op('Conv', [input, weight, this.constant([to])], { pads: [pad, pad, pad, pad] });
  }

  /** Adds a batch normalisation. */
  batchNorm(input: string, channels: number): string {
    const parameters = [1, 0, 0, 1].map((value) => this.constant([channels], value));
    return this.op('BatchNormalization', [input, ...parameters]);
  }

  /** Adds a dense layer: Gemm with a transposed weight as PyTorch writes it, or MatMul and Add as Keras and dynamo do. */
  dense(input: string, [from, to]: readonly [number, number], form: 'Gemm' | 'MatMul' = 'MatMul'): string {
    if (form === 'Gemm') {
      return this.op('Gemm', [input, this.planted.weight([to, from]), this.constant([to])], { transB: 1 });
    }
    const product = this.op('MatMul', [input, this.planted.weight([from, to])]);
    return this.op('Add', [product, this.constant([to])]);
  }

  /** Returns the recognised blocks of a kind, or of all kinds. */
  blocks(output: string, kind?: string): RecognisedBlock[] {
    return this.planted.layers(output).blocks.filter((block) => kind === undefined || block.kind === kind);
  }
}

/** Returns the operators of a block, in file order. */
export function operatorsOf(block: RecognisedBlock | undefined): string {
  return (block?.nodes ?? []).map(({ opType }) => opType).join(' ');
}
