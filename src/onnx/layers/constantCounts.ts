import type { Candidate } from './candidates.js';
import type { Constant } from './constants.js';
import type { GraphView } from './graphView.js';
import type { ConstantCounts } from './layer.js';

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
  for (const view of views) {
    for (const constant of readByAddOrMul(view)) {
      if (!buffers.has(constant.identity)) parameters.set(constant.identity, constant.elementCount);
    }
  }
  const others = new Map<string, number>();
  for (const constant of views.flatMap(storedConstants)) {
    const { identity } = constant;
    if (!parameters.has(identity) && !buffers.has(identity)) others.set(identity, constant.elementCount);
  }
  return { parameterCount: sum(parameters), bufferCount: sum(buffers), constantCount: sum(others) };
}

function readByAddOrMul(view: GraphView): Constant[] {
  return view.graph.nodes
    .filter((node) => node.domain === '' && (node.opType === 'Add' || node.opType === 'Mul'))
    .flatMap((node) => node.inputs)
    .flatMap((input) => view.constants.get(input) ?? [])
    .filter((constant) => constant.elementCount > 1 && /^b?float/.test(constant.elementType));
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
