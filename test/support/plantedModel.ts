import { GraphBuilder, type NodeOptions } from '../../src/engine/graph/graphBuilder.js';
import { type Layer, type LayerTable } from '../../src/onnx/layers/layer.js';
import { layersOf } from '../../src/onnx/layers/layerTable.js';
import type { GraphNode, Metadata, Model } from '../../src/onnx/model.js';
import { inferTypes } from '../../src/onnx/shapes/inferTypes.js';
import { float32Tensor } from '../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from './modelBuilder.js';

/** How a planted node is named, and by what weight. */
export interface Named extends NodeOptions {
  readonly weight?: string;
}

/** Builds small models whose layers are known beforehand. */
export class PlantedModel {
  readonly builder = new GraphBuilder(emptyModel());
  private readonly metadata = new Map<string, Metadata>();
  private weightCount = 0;

  constructor(shape: readonly (number | string)[] = ['N', 3, 8, 8]) {
    this.builder.addInput('x', floatType(...shape));
  }

  /** Adds a weight; no two are equal. */
  weight(dims: readonly number[], name = 'w'): string {
    const count = dims.reduce((product, size) => product * size, 1);
    const data = new Float32Array(count).fill(++this.weightCount);
    return this.builder.constant(float32Tensor(data, dims), name);
  }

  /** Adds a 1×1 convolution without bias. */
  conv(
    input: string,
    channels: readonly [from: number, to: number],
    { weight, ...options }: Named = {},
  ): string {
    return this.builder.node('Conv', [input, this.weight([channels[1], channels[0], 1, 1], weight)], options);
  }

  /** Adds `input · W`. */
  matMul(
    input: string,
    features: readonly [from: number, to: number],
    { weight, ...options }: Named = {},
  ): string {
    return this.builder.node('MatMul', [input, this.weight(features, weight)], options);
  }

  /** Adds any node. */
  node(opType: string, inputs: readonly string[], options: NodeOptions = {}): string {
    return this.builder.node(opType, inputs, options);
  }

  /** Gives the node that makes a value metadata. */
  describe(value: string, metadata: Readonly<Record<string, string>>): void {
    this.metadata.set(value, new Map(Object.entries(metadata)));
  }

  /** Returns the model with these outputs. */
  model(...outputs: string[]): Model {
    for (const output of outputs) this.builder.addOutput(output);
    const model = this.builder.build();
    const nodes = model.graph.nodes.map((node): GraphNode => {
      const metadata = this.metadata.get(node.outputs[0] ?? '');
      return metadata === undefined ? node : { ...node, metadata };
    });
    return { ...model, graph: { ...model.graph, nodes } };
  }

  /** Returns the layers of the model with these outputs. */
  layers(...outputs: string[]): LayerTable {
    const model = this.model(...outputs);
    return layersOf(model, inferTypes(model));
  }
}

/** Returns the layer of a name; the test fails when there is none. */
export function layerNamed(table: LayerTable, name: string): Layer {
  const found = table.byName.get(name);
  if (found === undefined) {
    throw new Error(`No layer ${name}; there are ${table.layers.map((layer) => layer.name).join(', ')}.`);
  }
  return found;
}

/** Returns the names of layers that are no scopes, in file order. */
export function leafNames(table: LayerTable): string[] {
  return table.layers.filter(({ kind }) => kind !== 'scope' && kind !== 'block').map(({ name }) => name);
}
