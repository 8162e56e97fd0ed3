import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Graph, ValueType } from '../../../onnx/model.js';
import { readsOf } from '../../../onnx/graphIndex.js';
import { noGradientReason } from '../noGradient.js';

/** A value that goes round: an input of a body and the output that takes its place in the next iteration. */
export interface Round {
  readonly input: string;
  readonly output: string;
}

/** Returns the carried inputs of a body whose value depends on a wanted one after any number of iterations. */
export function activeRounds(
  body: Graph,
  rounds: readonly Round[],
  { wanted, typeOf }: { readonly wanted: ReadonlySet<string>; readonly typeOf: (name: string) => ValueType },
): ReadonlySet<string> {
  const active = new Set(wanted);
  for (;;) {
    const reached = reachedFrom(body, active, typeOf);
    const added = rounds.filter(
      ({ input, output }) => reached.has(output) && !active.has(input) && isFloat(typeOf(input)),
    );
    if (added.length === 0) return active;
    for (const { input } of added) active.add(input);
  }
}

function reachedFrom(
  body: Graph,
  start: ReadonlySet<string>,
  typeOf: (name: string) => ValueType,
): ReadonlySet<string> {
  const reached = new Set(start);
  for (const node of body.nodes) {
    if (noGradientReason(node) !== undefined) continue;
    if (![...readsOf(node)].some((name) => reached.has(name))) continue;
    for (const output of node.outputs) if (isFloat(typeOf(output))) reached.add(output);
  }
  return reached;
}

function isFloat(type: ValueType): boolean {
  return (
    type.kind !== 'tensor' || type.elementType === 'undefined' || dataTypeFacts(type.elementType).isFloat
  );
}
