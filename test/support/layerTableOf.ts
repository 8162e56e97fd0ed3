import type { Layer, LayerTable } from '../../src/onnx/layers/layer.js';
import type { AttentionHeads, Mlp } from '../../src/protocol/structure.js';

/** Returns a layer with what a test says of it, a dense one of 4 units otherwise. */
export function layer(name: string, given: Partial<Layer> = {}): Layer {
  return {
    name,
    path: name,
    parent: null,
    index: 0,
    kind: 'dense',
    operator: 'Gemm',
    unitCount: 4,
    unitAxis: 1,
    batchAxis: 0,
    parameterCount: 8,
    output: `${name}_out`,
    furtherOutputs: [],
    shape: ['N', 4],
    blocks: [],
    nodes: [],
    input: null,
    isInBody: false,
    family: null,
    states: { kind: 'not-judged', reason: 'feeds an Add', next: null },
    ...given,
  };
}

/** Returns a table of layers, MLPs and attention blocks. */
export function layerTableOf(
  layers: readonly Layer[],
  { mlps = [], attentions = [] }: { mlps?: readonly Mlp[]; attentions?: readonly AttentionHeads[] } = {},
): LayerTable {
  return {
    layers,
    byName: new Map(layers.map((one) => [one.name, one])),
    mlps,
    attentions,
    blocks: [],
    counts: { parameterCount: 0, bufferCount: 0, constantCount: 0 },
    views: [],
  };
}
