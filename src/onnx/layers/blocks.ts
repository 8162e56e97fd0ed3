import type { AttentionHeads, Mlp } from '../../protocol/structure.js';
import type { GraphNode, Model } from '../model.js';
import type { TypeTable } from '../shapes/typeTable.js';
import type { Candidate } from './candidates.js';
import { namingStyleOf, scopeComponents } from './exporterNames.js';
import type { GraphView } from './graphView.js';
import type { LayerName } from './layerNames.js';
import { shapeOf } from './unitAxes.js';

/** Returns the MLPs of a graph: dense → activation (× dense) → dense, in file order. */
export function findMlps(candidates: readonly Candidate[], names: ReadonlyMap<Candidate, LayerName>): Mlp[] {
  const byOutput = new Map(candidates.map((candidate) => [candidate.output, candidate]));
  const mlps: Mlp[] = [];
  const taken = new Set<string>();
  for (const down of candidates) {
    if (down.kind !== 'dense' || down.view.isInBody) continue;
    const up = upProjectionOf(down, byOutput);
    if (up === undefined) continue;
    const downName = names.get(down)?.name ?? '';
    const scope = commonPrefix(names.get(up)?.name ?? '', downName);
    const name = scope === '' ? `mlp_${mlps.length}` : uniqueName(scope, taken);
    taken.add(name);
    mlps.push({
      name,
      block: blockNumberOf(scope) ?? mlps.length,
      hidden: down.input,
      unitCount: up.ownUnits,
      downProjection: downName,
    });
  }
  return mlps;
}

/** Returns the dense layer whose activation, alone or times another dense layer, enters a down projection. */
function upProjectionOf(down: Candidate, byOutput: ReadonlyMap<string, Candidate>): Candidate | undefined {
  const activated = (value: string): Candidate | undefined => {
    const activation = byOutput.get(value);
    const dense =
      activation === undefined || activation.family === null ? undefined : byOutput.get(activation.input);
    return dense?.kind === 'dense' ? dense : undefined;
  };
  const plain = activated(down.input);
  if (plain !== undefined) return plain;
  const product = down.view.index.producerOf(down.input);
  if (product?.opType !== 'Mul') return undefined;
  const [left = '', right = ''] = product.inputs;
  for (const [gate, other] of [
    [left, right],
    [right, left],
  ] as const) {
    const gated = activated(gate);
    if (gated !== undefined && byOutput.get(other)?.kind === 'dense') return gated;
  }
  return undefined;
}

function commonPrefix(a: string, b: string): string {
  const parts = a.split('.');
  const others = b.split('.');
  const length = parts.findIndex((part, depth) => part !== others[depth]);
  return parts.slice(0, length < 0 ? parts.length - 1 : length).join('.');
}

/** Returns the last number among a scope's parts: 3 for `blocks.3.mlp`. */
function blockNumberOf(scope: string): number | undefined {
  const numbers = scope.split('.').filter((part) => /^\d+$/.test(part));
  const last = numbers.at(-1);
  return last === undefined ? undefined : Number(last);
}

const scoreSteps = new Set([
  'Add',
  'Mul',
  'Div',
  'Sub',
  'Where',
  'Cast',
  'Identity',
  'Reshape',
  'Max',
  'Dropout',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
]);

/**
 * Returns the attention blocks of a graph: scores from a product of two computed values, Softmax, product.
 *
 * Narrower than the `attention` of `src/onnx/blocks`, and apart from it on purpose: what is found here gives heads their
 * addresses, which never change, while what is recognised there grows with the exporters.
 */
export function findAttentions(model: Model, view: GraphView, types: TypeTable): AttentionHeads[] {
  const style = namingStyleOf(model);
  const attentions: AttentionHeads[] = [];
  for (const node of view.graph.nodes) {
    if (node.opType !== 'Softmax' || !isAttentionSoftmax(view, node)) continue;
    const probabilities = node.outputs[0] ?? '';
    const shape = shapeOf(types.get(probabilities));
    if (shape?.length !== 4) continue;
    const heads = shape[1];
    attentions.push({
      name: attentionName(scopeComponents(node, style), attentions),
      probabilities,
      headAxis: 1,
      headCount: typeof heads === 'number' ? heads : null,
    });
  }
  return attentions;
}

/** The scope of the Softmax, or the one around it where the Softmax is a module of its own. */
function attentionName(scope: readonly string[], earlier: readonly AttentionHeads[]): string {
  const isModule = /^softmax(_\d+)?$/i.test(scope.at(-1) ?? '');
  const name = (isModule ? scope.slice(0, -1) : scope).join('.');
  return name === ''
    ? `attention_${earlier.length}`
    : uniqueName(name, new Set(earlier.map((attention) => attention.name)));
}

function uniqueName(name: string, taken: ReadonlySet<string>): string {
  let unique = name;
  for (let i = 1; taken.has(unique); i++) unique = `${name}_${i}`;
  return unique;
}

function isAttentionSoftmax(view: GraphView, softmax: GraphNode): boolean {
  const isProduct = (node: GraphNode | undefined): boolean =>
    (node?.opType === 'MatMul' || node?.opType === 'Einsum') &&
    node.inputs.every((input) => !view.constants.has(input));
  let before: GraphNode | undefined = view.index.producerOf(softmax.inputs[0] ?? '');
  for (let step = 0; step < 8 && before !== undefined && !isProduct(before); step++) {
    if (!scoreSteps.has(before.opType)) return false;
    const sources: readonly string[] = before.inputs.filter((input) => !view.constants.has(input));
    const next: string | undefined = sources.find((input) => reachesProduct(view, input)) ?? sources[0];
    before = view.index.producerOf(next ?? '');
  }
  if (!isProduct(before)) return false;
  let readers = view.index.consumersOf(softmax.outputs[0] ?? '');
  for (let step = 0; step < 4; step++) {
    if (readers.some(isProduct)) return true;
    readers = readers
      .filter((reader) => scoreSteps.has(reader.opType))
      .flatMap((reader) => view.index.consumersOf(reader.outputs[0] ?? ''));
  }
  return false;
}

function reachesProduct(view: GraphView, value: string): boolean {
  let node = view.index.producerOf(value);
  for (let step = 0; step < 6 && node !== undefined; step++) {
    if (node.opType === 'MatMul' || node.opType === 'Einsum') return true;
    if (!scoreSteps.has(node.opType)) return false;
    node = view.index.producerOf(node.inputs.find((input) => !view.constants.has(input)) ?? '');
  }
  return false;
}
