import type { Candidate } from './candidates.js';
import type { Constant } from './constants.js';
import type { GraphView } from './graphView.js';
import type { ConstantCounts } from './layer.js';
import { isLookupTable } from './operators.js';
import type { GraphNode } from '../model.js';

/**
 * Returns the elements of a model's constants by what they are for; tied ones count once.
 *
 * Parameters are weights, biases and scales of layers, and floating-point constants of more than one element that an
 * Add or Mul reads directly; buffers are the statistics of normalisations; all else are constants.
 */
export function countConstants(
  views: readonly GraphView[],
  candidates: readonly Candidate[],
): ConstantCounts {
  const parameters = new Map<string, number>();
  const buffers = new Map<string, number>();
  for (const candidate of candidates) {
    for (const { identity, elementCount } of candidate.buffers) buffers.set(identity, elementCount);
    for (const { identity, elementCount } of candidate.parameters) parameters.set(identity, elementCount);
  }
  for (const constant of [...looseParameters(views).values()].flat()) {
    if (!buffers.has(constant.identity)) parameters.set(constant.identity, constant.elementCount);
  }
  const others = new Map<string, number>();
  for (const constant of views.flatMap(storedConstants)) {
    const { identity } = constant;
    if (!parameters.has(identity) && !buffers.has(identity)) others.set(identity, constant.elementCount);
  }
  return { parameterCount: sum(parameters), bufferCount: sum(buffers), constantCount: sum(others) };
}

/**
 * Returns the parameters that are read outside layers, by the node that reads them: positions, layer scales and the
 * like, which are constants of more than one element that an Add or Mul reads.
 */
export function looseParameters(views: readonly GraphView[]): ReadonlyMap<GraphNode, readonly Constant[]> {
  const found = new Map<GraphNode, readonly Constant[]>();
  for (const { graph, constants } of views) {
    for (const node of graph.nodes) {
      if (node.domain !== '' || (node.opType !== 'Add' && node.opType !== 'Mul')) continue;
      const read = node.inputs.flatMap((input) => constants.get(input) ?? []).filter(isLoose);
      if (read.length > 0) found.set(node, read);
    }
  }
  return found;
}

function isLoose({ elementCount, elementType, origin }: Constant): boolean {
  return elementCount > 1 && /^b?float/.test(elementType) && !isLookupTable(origin);
}

/** Returns the constants that this graph itself stores. */
function storedConstants({ graph, constants }: GraphView): Constant[] {
  const names = [
    ...graph.initializers.keys(),
    ...graph.sparseInitializers.map((sparse) => sparse.values.name),
    ...graph.nodes.filter((node) => node.opType === 'Constant').map((node) => node.outputs[0] ?? ''),
  ];
  return names.flatMap((name) => constants.get(name) ?? []);
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
