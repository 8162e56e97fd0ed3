import type { GraphNode, Model } from '../../../onnx/model.js';
import type { LanguageTask } from './languageTask.js';

/**
 * Returns how many tokens a model can see: the rows of the smallest table that is looked up by position and not by token (learned
 * positions, cosines and sines); undefined where no table says.
 */
export function contextLengthOf(model: Model, { inputs, ids }: LanguageTask): number | undefined {
  const fixed = inputs.find(({ target }) => target.name === ids)?.target.sampleShape?.[0];
  const { nodes, initializers } = model.graph;
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const counts = nodes
    .filter((node) => node.opType === 'Gather' && isFirstAxis(node))
    .map((node) => ({ rows: initializers.get(node.inputs[0] ?? '')?.dims, index: node.inputs[1] ?? '' }))
    .filter(({ rows, index }) => rows !== undefined && rows.length >= 2 && !initializers.has(index))
    .filter(({ index }) => !dependsOn(index, ids, producers))
    .map(({ rows }) => rows?.[0] ?? Infinity)
    // Two rows tell apart two kinds of tokens, not positions.
    .filter((count) => count > 2);
  const shortest = Math.min(...counts, typeof fixed === 'number' ? fixed : Infinity);
  return Number.isFinite(shortest) ? shortest : undefined;
}

function isFirstAxis({ attributes }: GraphNode): boolean {
  const axis = attributes.get('axis');
  return axis?.kind !== 'int' || axis.value === 0n;
}

/** Whether a value is made of the elements of an input, and not of its shape alone. */
function dependsOn(value: string, input: string, producers: ReadonlyMap<string, GraphNode>): boolean {
  const seen = new Set([value]);
  const open = [value];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === input) return true;
    const producer = producers.get(name);
    if (producer === undefined || producer.opType === 'Shape' || producer.opType === 'Size') continue;
    for (const read of producer.inputs) {
      if (seen.has(read)) continue;
      seen.add(read);
      open.push(read);
    }
  }
  return false;
}
