import { makeNode } from '../../../engine/graph/graphBuilder.js';
import { collectNames } from '../../../engine/graph/names.js';
import type { DataType } from '../../../onnx/dataTypes.js';
import type { GraphNode, Model, ValueInfo } from '../../../onnx/model.js';

/** A value that is to become a float32 graph input. */
export interface CutValue {
  readonly value: string;
  readonly elementType: DataType;
  /** Shape without the row axis. */
  readonly dims: readonly number[];
}

/** A model whose cut values are inputs, and the input that feeds each. */
export interface CutModel {
  readonly model: Model;
  /** Input name per cut value, in the order asked for. */
  readonly inputNames: readonly string[];
}

const castCodes: Partial<Record<DataType, number>> = { float16: 10, float64: 11, bfloat16: 16 };

/**
 * Makes inner values float32 graph inputs, so that everything after them can be run and differentiated from there.
 *
 * The node that produced a value keeps computing it under another name (pruned later when nobody reads it). Values that
 * are float32 inputs already stay; other float types get a Cast in front.
 */
export function cutAt(model: Model, cuts: readonly CutValue[]): CutModel {
  const names = collectNames(model.graph);
  const freshName = (hint: string): string => {
    let name = hint;
    while (names.has(name)) name += '_';
    names.add(name);
    return name;
  };
  const inputNames: string[] = [];
  const renamed = new Map<string, string>();
  const casts: GraphNode[] = [];
  const added: ValueInfo[] = [];
  for (const cut of cuts) {
    const isInput = model.graph.inputs.some((input) => input.name === cut.value);
    if (isInput && cut.elementType === 'float32') {
      inputNames.push(cut.value);
      continue;
    }
    renamed.set(cut.value, freshName(`ni/uncut/${cut.value}`));
    const needsCast = cut.elementType !== 'float32';
    const input = needsCast ? freshName(`ni/point/${cut.value}`) : cut.value;
    if (needsCast) casts.push(castNode(input, cut));
    added.push(inputInfo(input, cut.dims));
    inputNames.push(input);
  }
  return { model: withCuts(model, { renamed, casts, added }), inputNames };
}

function withCuts(
  model: Model,
  changes: {
    readonly renamed: ReadonlyMap<string, string>;
    readonly casts: readonly GraphNode[];
    readonly added: readonly ValueInfo[];
  },
): Model {
  const { graph } = model;
  const rename = (name: string): string => changes.renamed.get(name) ?? name;
  const nodes = graph.nodes.map((node) =>
    node.outputs.some((name) => changes.renamed.has(name))
      ? { ...node, outputs: node.outputs.map(rename) }
      : node,
  );
  // A cut input of another float type is fed by nobody any more: its readers read the Cast.
  const inputs = graph.inputs.filter((input) => !changes.renamed.has(input.name));
  const valueInfo = new Map([...graph.valueInfo].filter(([name]) => !changes.renamed.has(name)));
  return {
    ...model,
    graph: {
      ...graph,
      valueInfo,
      inputs: [...inputs, ...changes.added],
      nodes: [...changes.casts, ...nodes],
    },
  };
}

function castNode(input: string, cut: CutValue): GraphNode {
  const to = castCodes[cut.elementType];
  if (to === undefined) throw new Error(`A ${cut.elementType} value cannot be explained.`);
  return makeNode('Cast', [input], { outputs: [cut.value], attributes: { to } });
}

function inputInfo(name: string, dims: readonly number[]): ValueInfo {
  return {
    name,
    type: { kind: 'tensor', elementType: 'float32', shape: [null, ...dims] },
    metadata: new Map(),
  };
}
