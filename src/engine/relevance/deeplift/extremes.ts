import type { InputCotangent } from '../../gradients/gradientRule.js';
import { changeOf, type Difference, ownAt, shapedLike } from './differences.js';

/** Operators that select an extreme: which of both runs' results lies between in the rule. */
const extremes: Readonly<Record<string, 'Max' | 'Min'>> = {
  MaxPool: 'Max',
  GlobalMaxPool: 'Max',
  ReduceMax: 'Max',
  Max: 'Max',
  ReduceMin: 'Min',
  Min: 'Min',
};

/** Returns whether an operator selects an extreme. */
export function isExtreme(opType: string): boolean {
  return Object.hasOwn(extremes, opType);
}

/**
 * The multiplier of an extreme o, with r its value on the reference and m = max(o, r) (min for minima): the part m − r of
 * the change goes to where x has its extreme, the rest o − m to where the reference has its own; each over the change
 * there, which is at least as large. Where nothing changed the gradient at x stands.
 *
 * It is complete, and what Captum and shap do for max pooling.
 */
export function throughExtreme(difference: Difference): readonly InputCotangent[] {
  const { context, emit, g, run } = difference;
  const { node } = context;
  const [y = ''] = node.outputs;
  const reference = run.referenceOf(y);
  const between = emit.node(extremes[node.opType] ?? 'Max', [y, reference]);
  const atPoint = ownAt(difference, { inputs: node.inputs, g: emit.mul(g, emit.sub(between, reference)) });
  const atReference = ownAt(difference, {
    inputs: node.inputs.map((name) => run.referenceOf(name)),
    outputs: [reference],
    g: emit.mul(g, emit.sub(y, between)),
  });
  const plain = ownAt(difference, { inputs: node.inputs, g });
  return node.inputs.map((input, index): InputCotangent => {
    const parts = [atPoint[index], atReference[index], plain[index]];
    if (!context.wants(index) || parts.includes(undefined)) return undefined;
    const [here = '', there = '', slope = ''] = parts.map((part) =>
      part === undefined ? '' : shapedLike(difference, input, part),
    );
    const change = changeOf(difference, input);
    const isDifferent = emit.greater(emit.node('Abs', [change]), emit.scalar(0));
    const safe = emit.where(isDifferent, change, emit.scalar(1));
    return emit.where(isDifferent, emit.div(emit.add(here, there), safe), slope);
  });
}
