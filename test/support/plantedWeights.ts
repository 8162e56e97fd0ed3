import { createRandom } from '../../src/base/random.js';
import { GraphBuilder, type NodeOptions } from '../../src/engine/graph/graphBuilder.js';
import { unitWeights } from '../../src/engine/weights/unitWeights.js';
import { openedModel } from '../../src/onnx/openedModel.js';
import { type TensorValue, toFloat64 } from '../../src/onnx/tensorValue.js';
import type { UnitWeights } from '../../src/protocol/units.js';
import { emptyModel, floatType, normalTensor } from './modelBuilder.js';

/** Builds a model with one planted layer between an input and its output. */
export class PlantedWeights {
  readonly builder = new GraphBuilder(emptyModel());
  private readonly random = createRandom(5);

  constructor(shape: (number | string)[]) {
    this.builder.addInput('x', floatType(...shape));
  }

  /** Adds a constant of normal numbers and returns it. */
  weight(name: string, dims: readonly number[]): TensorValue {
    const value = normalTensor(this.random, dims);
    this.builder.constant(value, name);
    return value;
  }

  /** Adds any node. */
  node(opType: string, inputs: readonly string[], options: NodeOptions = {}): string {
    return this.builder.node(opType, inputs, options);
  }

  /** Returns the weights of a neuron of the model with this output. */
  async weightsOf(address: string, output: string): Promise<UnitWeights> {
    this.builder.addOutput(output);
    return unitWeights(openedModel(this.builder.build()), { address });
  }
}

/** Returns the element of a tensor at an index, one number for each axis. */
export function at(value: TensorValue, ...index: number[]): number {
  const flat = index.reduce((sum, place, axis) => sum * (value.dims[axis] ?? 1) + place, 0);
  return toFloat64(value)[flat]!;
}
