import { bodiesOf, type Graph, type GraphNode } from './model.js';

/** Who makes and who reads each value of one graph. */
export interface GraphIndex {
  /** Returns the node that makes a value; undefined for inputs, initializers and names of other graphs. */
  producerOf(value: string): GraphNode | undefined;
  /** Returns the nodes that read a value, itself or inside their bodies, in file order, each once. */
  consumersOf(value: string): readonly GraphNode[];
}

/** Returns the index of a graph; bodies count as reads of the node that holds them. */
export function indexGraph(graph: Graph): GraphIndex {
  const producers = new Map<string, GraphNode>();
  const consumers = new Map<string, GraphNode[]>();
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output !== '') producers.set(output, node);
    for (const value of readsOf(node)) {
      const readers = consumers.get(value);
      if (readers === undefined) consumers.set(value, [node]);
      else readers.push(node);
    }
  }
  return {
    producerOf: (value) => producers.get(value),
    consumersOf: (value) => consumers.get(value) ?? [],
  };
}

/** Returns the values of the surrounding graph that a node reads: its inputs and what its bodies capture. */
export function readsOf(node: GraphNode): ReadonlySet<string> {
  const reads = new Set(node.inputs);
  reads.delete('');
  for (const body of bodiesOf(node)) {
    for (const name of capturesOf(body.graph)) reads.add(name);
  }
  return reads;
}

/** Returns the names that a body reads and does not define itself. */
export function capturesOf(body: Graph): ReadonlySet<string> {
  const defined = new Set(body.inputs.map((input) => input.name));
  for (const name of body.initializers.keys()) defined.add(name);
  for (const sparse of body.sparseInitializers) defined.add(sparse.values.name);
  for (const node of body.nodes) for (const output of node.outputs) defined.add(output);
  const captured = new Set<string>();
  const read = (name: string): void => {
    if (!defined.has(name)) captured.add(name);
  };
  for (const node of body.nodes) readsOf(node).forEach(read);
  for (const output of body.outputs) read(output.name);
  return captured;
}

/** Nodes in an order in which every value is made before it is read, or the nodes of one cycle. */
export type Order =
  | { readonly kind: 'ordered'; readonly nodes: readonly GraphNode[] }
  | { readonly kind: 'cycle'; readonly nodes: readonly GraphNode[] };

/**
 * Returns the nodes of a graph in topological order, those ready at the same time in file order.
 *
 * A graph that is in order already keeps its very array, so that nothing is copied for the usual file.
 */
export function topologicalOrder(graph: Graph): Order {
  if (isInOrder(graph)) return { kind: 'ordered', nodes: graph.nodes };
  const producers = new Map<string, GraphNode>();
  for (const node of graph.nodes) for (const output of node.outputs) producers.set(output, node);
  return new DepthFirstSort(producers).sort(graph.nodes);
}

function isInOrder(graph: Graph): boolean {
  const made = new Set<string>();
  const later = new Set<string>();
  for (const node of graph.nodes) for (const output of node.outputs) later.add(output);
  for (const node of graph.nodes) {
    for (const value of readsOf(node)) if (later.has(value) && !made.has(value)) return false;
    for (const output of node.outputs) made.add(output);
  }
  return true;
}

interface Frame {
  readonly node: GraphNode;
  readonly pending: Iterator<string>;
}

/** Depth first with an explicit stack: chains of 100,000 nodes would overflow the call stack. */
class DepthFirstSort {
  private readonly state = new Map<GraphNode, 'open' | 'done'>();
  private readonly sorted: GraphNode[] = [];
  private readonly stack: Frame[] = [];
  private readonly producers: ReadonlyMap<string, GraphNode>;

  constructor(producers: ReadonlyMap<string, GraphNode>) {
    this.producers = producers;
  }

  sort(nodes: readonly GraphNode[]): Order {
    for (const node of nodes) {
      if (this.state.has(node)) continue;
      this.open(node);
      const cycle = this.drain();
      if (cycle !== undefined) return { kind: 'cycle', nodes: cycle };
    }
    return { kind: 'ordered', nodes: this.sorted };
  }

  private open(node: GraphNode): void {
    this.state.set(node, 'open');
    this.stack.push({ node, pending: readsOf(node).values() });
  }

  private drain(): readonly GraphNode[] | undefined {
    for (let frame = this.stack.at(-1); frame !== undefined; frame = this.stack.at(-1)) {
      const next = frame.pending.next();
      if (next.done === true) {
        this.state.set(frame.node, 'done');
        this.sorted.push(frame.node);
        this.stack.pop();
        continue;
      }
      const producer = this.producers.get(next.value);
      if (producer === undefined) continue;
      const state = this.state.get(producer);
      if (state === 'open') {
        const start = this.stack.findIndex((entry) => entry.node === producer);
        return this.stack.slice(start).map((entry) => entry.node);
      }
      if (state === undefined) this.open(producer);
    }
    return undefined;
  }
}
