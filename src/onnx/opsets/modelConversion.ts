import { inlineValue } from '../loadTensor.js';
import {
  type Attribute,
  bodiesOf,
  type FunctionDefinition,
  type Graph,
  type GraphNode,
  type Model,
  type Tensor,
} from '../model.js';
import type { TypeTable } from '../shapes/typeTable.js';
import { elementCountOf, type TensorValue } from '../tensorValue.js';
import { versionChanges } from './changeTable.js';
import { type ConversionContext, newNode } from './converter.js';

/** Where the nodes of one graph or function go, and its constants. */
interface Place {
  readonly opset: number;
  readonly constants: ReadonlyMap<string, Tensor>;
  readonly types: TypeTable;
  addConstant(tensor: Tensor): void;
}

/** Converts the graphs and functions of one model; new names are unique in all of it. */
export class ModelConversion {
  private readonly names = new Set<string>();
  private readonly reads = new Set<string>();

  constructor(
    model: Model,
    private readonly types: TypeTable,
  ) {
    this.noteGraph(model.graph);
    for (const { inputs, outputs, nodes } of model.functions) {
      for (const name of [...inputs, ...outputs]) this.names.add(name);
      for (const name of outputs) this.reads.add(name);
      for (const node of nodes) this.noteNode(node);
    }
  }

  convertGraph(graph: Graph, opset: number): Graph {
    const initializers = new Map(graph.initializers);
    const place: Place = {
      opset,
      constants: constantsOf(graph.nodes, graph.initializers),
      types: this.types,
      addConstant: (tensor) => void initializers.set(tensor.name, tensor),
    };
    return { ...graph, nodes: this.convertNodes(graph.nodes, place), initializers };
  }

  convertFunction(definition: FunctionDefinition, opset: number, target: number): FunctionDefinition {
    if (opset >= target) return definition;
    const constants: GraphNode[] = [];
    const place: Place = {
      opset,
      constants: constantsOf(definition.nodes, new Map()),
      types: new Map(),
      // Functions have no initializers.
      addConstant: (tensor) => {
        const attributes = { value: { kind: 'tensor', value: { ...tensor, name: '' } } } as const;
        constants.push(newNode('Constant', { inputs: [], output: tensor.name, attributes }));
      },
    };
    const nodes = this.convertNodes(definition.nodes, place);
    const opsets = new Map([...definition.opsets, ['', target] as const]);
    return { ...definition, nodes: [...constants, ...nodes], opsets };
  }

  private convertNodes(nodes: readonly GraphNode[], place: Place): GraphNode[] {
    const context = this.contextOf(place);
    return nodes.flatMap((node) => this.convertNode(node, place, context));
  }

  private convertNode(node: GraphNode, place: Place, context: ConversionContext): GraphNode[] {
    let current = this.withConvertedBodies(node, place.opset);
    if (current.domain !== '') return [current];
    const before: GraphNode[] = [];
    const after: GraphNode[] = [];
    let version = place.opset;
    for (;;) {
      // A change may rename the operator, so the rest of the way is looked up anew.
      const reached = version;
      const change = versionChanges.get(current.opType)?.find((entry) => entry.version > reached);
      if (change === undefined) return [...before, current, ...after];
      version = change.version;
      const converted = change.convert(current, context);
      if (!('node' in converted)) {
        current = converted;
        continue;
      }
      before.push(...(converted.before ?? []));
      after.unshift(...(converted.after ?? []));
      current = converted.node;
    }
  }

  private withConvertedBodies(node: GraphNode, opset: number): GraphNode {
    if (bodiesOf(node).length === 0) return node;
    const attributes = new Map<string, Attribute>();
    for (const [name, attribute] of node.attributes) {
      attributes.set(name, this.convertAttribute(attribute, opset));
    }
    return { ...node, attributes };
  }

  private convertAttribute(attribute: Attribute, opset: number): Attribute {
    if (attribute.kind === 'graph') {
      return { kind: 'graph', value: this.convertGraph(attribute.value, opset) };
    }
    if (attribute.kind !== 'graphs') return attribute;
    return { kind: 'graphs', value: attribute.value.map((graph) => this.convertGraph(graph, opset)) };
  }

  private contextOf(place: Place): ConversionContext {
    // Equal constants of one graph are added once.
    const made = new Map<string, string>();
    return {
      opset: place.opset,
      typeOf: (name) => place.types.get(name) ?? { kind: 'unknown' },
      numbersOf: (name) => numbersOf(place.constants.get(name)),
      constant: (value) => {
        const key = `${value.dtype}:${value.dims.join()}:${value.data.join()}`;
        const known = made.get(key);
        if (known !== undefined) return known;
        const name = this.freshName('ni/constant');
        made.set(key, name);
        place.addConstant(tensorOf(name, value));
        return name;
      },
      freshName: (hint) => this.freshName(hint),
      isUsed: (name) => this.reads.has(name),
    };
  }

  private freshName(hint: string): string {
    let name = hint;
    for (let i = 1; this.names.has(name); i++) name = `${hint}_${i}`;
    this.names.add(name);
    return name;
  }

  private noteGraph(graph: Graph): void {
    for (const { name } of graph.inputs) this.names.add(name);
    for (const { name } of graph.outputs) this.reads.add(name);
    for (const name of graph.initializers.keys()) this.names.add(name);
    for (const { values } of graph.sparseInitializers) this.names.add(values.name);
    for (const node of graph.nodes) this.noteNode(node);
  }

  private noteNode(node: GraphNode): void {
    for (const name of node.inputs) this.reads.add(name);
    for (const name of [...node.inputs, ...node.outputs]) this.names.add(name);
    for (const { graph } of bodiesOf(node)) this.noteGraph(graph);
  }
}

function constantsOf(
  nodes: readonly GraphNode[],
  initializers: ReadonlyMap<string, Tensor>,
): ReadonlyMap<string, Tensor> {
  const constants = new Map(initializers);
  for (const { opType, outputs, attributes } of nodes) {
    const value = opType === 'Constant' ? attributes.get('value') : undefined;
    const [name] = outputs;
    if (value?.kind === 'tensor' && name !== undefined) constants.set(name, value.value);
  }
  return constants;
}

function numbersOf(tensor: Tensor | undefined): readonly number[] | undefined {
  if (tensor?.elementType !== 'float32' || elementCountOf(tensor.dims) > 16) return undefined;
  const value = inlineValue(tensor);
  return value === undefined ? undefined : Array.from(value.data, Number);
}

function tensorOf(name: string, { dtype, dims, data }: TensorValue): Tensor {
  if (Array.isArray(data)) throw new Error('Converters add numbers only.');
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name, elementType: dtype, dims, source: { kind: 'inline', bytes } };
}
