import type { Attribute, Graph, GraphNode, Tensor, ValueInfo } from '../../onnx/model.js';

/** How names inside bodies are made unique: a body may define no name that a graph around it has. */
export interface Renaming {
  freshName(hint: string): string;
  /** Names that stay as they are. */
  keeps(name: string): boolean;
}

/** Renames what nodes and their bodies define, and every read of it, to names that no other graph has. */
export class Renamer {
  private readonly names = new Map<string, string>();

  constructor(private readonly renaming: Renaming) {}

  /** Returns the name of a value that is read. */
  nameOf(name: string): string {
    return this.names.get(name) ?? name;
  }

  /** Says what a name stands for that the nodes read and do not define. */
  alias(name: string, outer: string): void {
    this.names.set(name, outer);
  }

  /** Returns the new name of a value that is defined. */
  define(name: string): string {
    if (name === '' || this.renaming.keeps(name)) return name;
    const known = this.names.get(name);
    if (known !== undefined) return known;
    const fresh = this.renaming.freshName(name);
    this.names.set(name, fresh);
    return fresh;
  }

  /** Returns the nodes renamed; what they read of each other must have been made before. */
  nodes(nodes: readonly GraphNode[]): readonly GraphNode[] {
    for (const node of nodes) for (const output of node.outputs) this.define(output);
    return nodes.map((node) => this.node(node));
  }

  /** Returns constants under their new names. */
  initializers(tensors: Iterable<Tensor>): ReadonlyMap<string, Tensor> {
    const renamed = new Map<string, Tensor>();
    for (const tensor of tensors) {
      const name = this.define(tensor.name);
      renamed.set(name, { ...tensor, name });
    }
    return renamed;
  }

  private node(node: GraphNode): GraphNode {
    const attributes = new Map<string, Attribute>();
    for (const [name, attribute] of node.attributes) {
      const isBody = attribute.kind === 'graph';
      attributes.set(name, isBody ? { kind: 'graph', value: this.graph(attribute.value) } : attribute);
    }
    return {
      ...node,
      inputs: node.inputs.map((name) => this.nameOf(name)),
      outputs: node.outputs.map((name) => this.nameOf(name)),
      attributes,
    };
  }

  /** Returns a whole graph renamed. */
  graph(graph: Graph): Graph {
    const inputs = graph.inputs.map((input) => ({ ...input, name: this.define(input.name) }));
    const initializers = this.initializers(graph.initializers.values());
    const sparseInitializers = graph.sparseInitializers.map((sparse) => ({
      ...sparse,
      values: { ...sparse.values, name: this.define(sparse.values.name) },
    }));
    const nodes = this.nodes(graph.nodes);
    const outputs = graph.outputs.map((output) => ({ ...output, name: this.nameOf(output.name) }));
    const valueInfo = new Map<string, ValueInfo>();
    for (const info of graph.valueInfo.values()) {
      const name = this.nameOf(info.name);
      valueInfo.set(name, { ...info, name });
    }
    return { ...graph, inputs, outputs, initializers, sparseInitializers, nodes, valueInfo };
  }
}
