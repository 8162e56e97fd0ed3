import type { Emitter } from '../../gradients/emitter.js';
import { emitterFor } from '../../gradients/emitter.js';
import type { GradientRule, InputCotangent, RuleContext } from '../../gradients/gradientRule.js';
import { shapeIfKnown } from '../../gradients/staticShapes.js';
import { unbroadcast } from '../../gradients/unbroadcast.js';
import type { ReferenceRun } from './referenceRun.js';

/** A node in both runs, and the multiplier that came back to its first output. */
export interface Difference {
  readonly own: GradientRule;
  readonly context: RuleContext;
  readonly emit: Emitter;
  /** Multiplier of the first output. */
  readonly g: string;
  readonly run: ReferenceRun;
}

/** Returns what a multiplier rule works with. */
export function differenceAt(
  own: GradientRule,
  context: RuleContext,
  { g, run }: { readonly g: string; readonly run: ReferenceRun },
): Difference {
  return { own, context, emit: emitterFor(context), g, run };
}

/** Returns the name of an operand in the run on the reference. */
export function referenceInput({ context, run }: Difference, index: number): string {
  return run.referenceOf(context.node.inputs[index] ?? '');
}

/** Appends x − r of an operand, or of the first output. */
export function changeOf({ emit, run }: Difference, value: string): string {
  return emit.sub(value, run.referenceOf(value));
}

/** Appends (x + r)/2 of a value. */
export function middleOf({ emit, run }: Difference, value: string): string {
  return emit.scale(emit.add(value, run.referenceOf(value)), 0.5);
}

/**
 * Applies the gradient's own rule to the node with other operands, results and cotangent.
 *
 * The other operands have the types of those they stand for.
 */
export function ownAt(
  { own, context }: Difference,
  at: {
    readonly inputs: readonly string[];
    readonly outputs?: readonly string[];
    readonly g: string;
    /** Whether the other operands are made of constants alone. */
    readonly isFixed?: boolean;
  },
): readonly InputCotangent[] {
  const { node } = context;
  const outputs = at.outputs ?? node.outputs;
  const standsFor = new Map<string, string>();
  for (const [i, name] of at.inputs.entries()) standsFor.set(name, node.inputs[i] ?? name);
  for (const [i, name] of outputs.entries()) standsFor.set(name, node.outputs[i] ?? name);
  return own.backward({
    ...context,
    node: { ...node, inputs: at.inputs, outputs },
    outputCotangents: [at.g],
    typeOf: (name) => context.typeOf(standsFor.get(name) ?? name),
    isConstant: (name) => context.isConstant(at.isFixed === true ? (standsFor.get(name) ?? name) : name),
  });
}

/** Replays the node on other operands and returns its first result. */
export function replay({ context }: Difference, inputs: readonly string[]): string {
  const { node, builder } = context;
  return builder.node(node.opType, inputs, {
    domain: node.domain,
    attributes: Object.fromEntries(node.attributes),
  });
}

/** Returns a cotangent summed over the axes that broadcasting its operand stretched. */
export function shapedLike(
  { context, emit }: Difference,
  input: string,
  cotangent: NonNullable<InputCotangent>,
): string {
  if (typeof cotangent === 'string') return cotangent;
  const to = shapeIfKnown(context, input);
  if (to === null || cotangent.shape === null) return cotangent.value;
  return unbroadcast(emit, { value: cotangent.value, from: cotangent.shape, target: input, to });
}
