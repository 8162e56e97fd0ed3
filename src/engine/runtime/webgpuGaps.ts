import {
  type Attribute,
  bodiesOf,
  type Dimension,
  type Graph,
  type GraphNode,
  intAttribute,
  intsAttribute,
  type Model,
  qualifiedOperator,
  stringAttribute,
  type ValueType,
} from '../../onnx/model.js';
import { inferTypes } from '../../onnx/shapes/inferTypes.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';

/** Says whether the runtime's WebGPU kernel fails on a node, or gives wrong numbers. */
type Gap = (node: GraphNode, typeOf: (name: string) => ValueType | undefined) => boolean;

/**
 * Nodes that the runtime's WebGPU provider takes and cannot run (ONNX Runtime 1.30, seen on an NVIDIA GPU and on SwiftShader).
 *
 * Each either ends the run with an error, ends the process, or, where it says "wrong", gives other numbers than the CPU.
 */
const gaps: ReadonlyMap<string, Gap> = new Map<string, Gap>([
  // Its second result, the places of the maxima, is "not supported yet", nor is counting them by columns.
  ['MaxPool', (node) => (node.outputs[1] ?? '') !== '' || intAttribute(node, 'storage_order', 0) === 1],
  // Three axes fail; wrong in groups of several channels or results.
  [
    'ConvTranspose',
    (node, typeOf) => spatialRank(node) > 2 || hasWideGroups(node, typeOf(node.inputs[1] ?? '')),
  ],
  ['BatchNormalization', (node) => intAttribute(node, 'training_mode', 0) === 1],
  // Antialiasing fails; `ceil` is wrong.
  [
    'Resize',
    (node) =>
      intAttribute(node, 'antialias', 0) === 1 || stringAttribute(node, 'nearest_mode', '').includes('ceil'),
  ],
  // Whole-number exponents fail.
  ['Pow', ({ inputs }, typeOf) => !isFloat(typeOf(inputs[1] ?? ''))],
  // Other activations than the usual ones fail.
  ['GRU', (node) => node.attributes.has('activations')],
  ['LSTM', (node) => node.attributes.has('activations')],
  // Each result is a buffer of the shader, and some GPUs have eight with the operand's.
  ['Split', ({ outputs }) => outputs.length > 7],
  ['Einsum', (node) => stringAttribute(node, 'equation', '').includes('...')],
  // Wrong for 6, 9, 15, 18 … channels and results in fours; groups on three axes fail.
  [
    'Conv',
    (node, typeOf) => {
      const weight = typeOf(node.inputs[1] ?? '');
      return hasMisreadChannels(node, weight) || hasGroupedVolumes(node, weight);
    },
  ],
  // A tensor to add ends the process; activations with parameters were not tried.
  [
    'com.microsoft:FusedConv',
    (node, typeOf) =>
      (node.inputs[3] ?? '') !== '' ||
      node.attributes.has('activation_params') ||
      hasGroupedVolumes(node, typeOf(node.inputs[1] ?? '')),
  ],
  // Its fifth input, the mask of keys, is "not implemented".
  ['com.microsoft:MultiHeadAttention', ({ inputs }) => (inputs[4] ?? '') !== ''],
  // Wrong with any of these.
  [
    'com.microsoft:GroupQueryAttention',
    ({ attributes }) =>
      ['local_window_size', 'softcap', 'smooth_softmax'].some((name) => attributes.has(name)),
  ],
]);

/** Returns the model with a name on every node that WebGPU cannot run, and these names: the runtime keeps them on the CPU. */
export function nameWebgpuGaps(model: Model): { readonly model: Model; readonly names: readonly string[] } {
  const taken = new Set<string>();
  collectNodeNames(model.graph, taken);
  const names: string[] = [];
  let types: TypeTable | undefined;
  const typeOf = (name: string): ValueType | undefined => {
    types ??= inferTypes(model);
    return types.get(name);
  };
  const nameNode = (node: GraphNode): GraphNode => {
    const inner = bodiesOf(node).length === 0 ? node : { ...node, attributes: nameInBodies(node) };
    if (gaps.get(qualifiedOperator(node))?.(node, typeOf) !== true) return inner;
    let name = `cpu_${names.length}`;
    while (taken.has(name)) name += '_';
    taken.add(name);
    names.push(name);
    return { ...inner, name };
  };
  const nameGraph = (graph: Graph): Graph => ({
    ...graph,
    nodes: graph.nodes.map(nameNode),
  });
  const nameInBodies = ({ attributes }: GraphNode): GraphNode['attributes'] => {
    const named = new Map<string, Attribute>(attributes);
    for (const [key, attribute] of attributes) {
      if (attribute.kind === 'graph') named.set(key, { ...attribute, value: nameGraph(attribute.value) });
      if (attribute.kind === 'graphs') {
        named.set(key, { ...attribute, value: attribute.value.map(nameGraph) });
      }
    }
    return named;
  };
  const graph = nameGraph(model.graph);
  return names.length === 0 ? { model, names } : { model: { ...model, graph }, names };
}

function collectNodeNames(graph: Graph, names: Set<string>): void {
  for (const node of graph.nodes) {
    names.add(node.name);
    for (const body of bodiesOf(node)) collectNodeNames(body.graph, names);
  }
}

function spatialRank(node: GraphNode): number {
  const given = ['kernel_shape', 'strides', 'dilations'].map(
    (name) => intsAttribute(node, name)?.length ?? 0,
  );
  return Math.max(...given, (intsAttribute(node, 'pads')?.length ?? 0) / 2);
}

/** Whether a grouped ConvTranspose is other than depthwise without a multiplier, or may be. */
function hasWideGroups(node: GraphNode, weight: ValueType | undefined): boolean {
  const groupCount = intAttribute(node, 'group', 1);
  if (groupCount === 1) return false;
  const [channelCount, resultsPerGroup] = sizesOf(weight);
  return channelCount !== groupCount || resultsPerGroup !== 1;
}

/** Whether a Conv's channels are read in threes though each weight has more, or may be: the kernel then skips the rest. */
function hasMisreadChannels(node: GraphNode, weight: ValueType | undefined): boolean {
  if (intAttribute(node, 'group', 1) > 1) return false;
  const [resultCount, channelCount] = sizesOf(weight);
  const mayBeThrees =
    typeof channelCount !== 'number' ||
    (channelCount > 3 && channelCount % 3 === 0 && channelCount % 4 !== 0);
  return mayBeThrees && (typeof resultCount !== 'number' || resultCount % 4 === 0);
}

/** Whether a Conv has groups on three axes, or may have. */
function hasGroupedVolumes(node: GraphNode, weight: ValueType | undefined): boolean {
  const axisCount = Math.max(spatialRank(node), sizesOf(weight).length - 2);
  return intAttribute(node, 'group', 1) > 1 && (axisCount <= 0 || axisCount > 2);
}

function sizesOf(type: ValueType | undefined): readonly Dimension[] {
  return (type?.kind === 'tensor' ? type.shape : undefined) ?? [];
}

function isFloat(type: ValueType | undefined): boolean {
  return type?.kind !== 'tensor' || type.elementType.includes('float');
}
