import type { TokenMatrix } from '../../shared/attention/tokenMatrix.js';

/** Capacities smaller than this are none: sums of float64 rounding. */
const noCapacity = 1e-12;

/**
 * Returns the attention flow from every input token to one token of the last layer: the most that fits through the layers
 * when each line of ½ A + ½ I is the capacities of edges to the layer below.
 *
 * Unlike rollout it does not multiply shares, so it gives weight to every way; flows of different tokens do not add up.
 * Cost: one maximum flow (Edmonds–Karp) per token over layers · T² edges.
 *
 * Source: Abnar & Zuidema (2020), "Quantifying Attention Flow in Transformers", https://arxiv.org/abs/2005.00928.
 */
export function attentionFlow(
  layers: readonly TokenMatrix[],
  tokenCount: number,
  query: number,
): Float64Array {
  const flows = new Float64Array(tokenCount);
  for (let token = 0; token < tokenCount; token++) {
    flows[token] = maximumFlow(new LayeredGraph(layers, tokenCount), { from: query, to: token });
  }
  return flows;
}

/** Node (layer l, token t) is l · T + t; layer L is the top. Residual capacities of both directions are kept. */
class LayeredGraph {
  readonly layerCount: number;
  private readonly down: Float64Array[];
  private readonly up: Float64Array[];

  constructor(
    layers: readonly TokenMatrix[],
    readonly tokenCount: number,
  ) {
    this.layerCount = layers.length;
    this.down = layers.map((layer) => Float64Array.from(layer));
    this.up = layers.map((layer) => new Float64Array(layer.length));
  }

  /** Capacities of the edges that leave a node: to the layer below, and back up along flow. */
  *edgesOf(node: number): Iterable<{ readonly to: number; readonly capacity: number }> {
    const { tokenCount } = this;
    const layer = Math.floor(node / tokenCount);
    const token = node % tokenCount;
    const below = this.down[layer - 1];
    const above = this.up[layer];
    for (let other = 0; other < tokenCount; other++) {
      const capacity = below?.[token * tokenCount + other] ?? 0;
      if (capacity > noCapacity) yield { to: (layer - 1) * tokenCount + other, capacity };
      const back = above?.[other * tokenCount + token] ?? 0;
      if (back > noCapacity) yield { to: (layer + 1) * tokenCount + other, capacity: back };
    }
  }

  push(from: number, to: number, amount: number): void {
    const { tokenCount } = this;
    const isDown = to < from && Math.floor(to / tokenCount) < Math.floor(from / tokenCount);
    const [upper, lower] = isDown ? [from, to] : [to, from];
    const layer = Math.floor(lower / tokenCount);
    const at = (upper % tokenCount) * tokenCount + (lower % tokenCount);
    const change = isDown ? amount : -amount;
    const [down, up] = [this.down[layer], this.up[layer]];
    if (down === undefined || up === undefined) return;
    down[at] = (down[at] ?? 0) - change;
    up[at] = (up[at] ?? 0) + change;
  }
}

function maximumFlow(graph: LayeredGraph, ends: { readonly from: number; readonly to: number }): number {
  const source = graph.layerCount * graph.tokenCount + ends.from;
  let total = 0;
  for (;;) {
    const path = shortestPath(graph, source, ends.to);
    if (path === undefined) return total;
    for (const { from, to } of path.edges) graph.push(from, to, path.amount);
    total += path.amount;
  }
}

interface Path {
  readonly edges: readonly { readonly from: number; readonly to: number }[];
  readonly amount: number;
}

/** Breadth first, so that the number of paths is bounded whatever the capacities. */
function shortestPath(graph: LayeredGraph, source: number, sink: number): Path | undefined {
  const cameFrom = new Map<number, { readonly node: number; readonly capacity: number }>();
  const queue = [source];
  for (const node of queue) {
    if (node === sink) break;
    for (const { to, capacity } of graph.edgesOf(node)) {
      if (to === source || cameFrom.has(to)) continue;
      cameFrom.set(to, { node, capacity });
      queue.push(to);
    }
  }
  if (!cameFrom.has(sink)) return undefined;
  const edges: { from: number; to: number }[] = [];
  let amount = Infinity;
  for (let to = sink; to !== source;) {
    const step = cameFrom.get(to);
    if (step === undefined) return undefined;
    amount = Math.min(amount, step.capacity);
    edges.push({ from: step.node, to });
    to = step.node;
  }
  return { edges, amount };
}
