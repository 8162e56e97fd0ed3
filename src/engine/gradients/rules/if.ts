import { bodiesOf, type Graph, type GraphNode, type ValueType } from '../../../onnx/model.js';
import { type BodyGradient, differentiateBody, type SavedValue } from '../bodies/bodyGradient.js';
import { BodyWriter, extendBody } from '../../graph/bodyWriter.js';
import { elementTypeOf } from '../bodies/elementType.js';
import { formUnsupported } from '../gradientErrors.js';
import { type GradientRule, type InputCotangent, latestOpset, type RuleContext } from '../gradientRule.js';
import { operandsOf } from '../operands.js';

/**
 * Gradient of If: an If on the same condition whose branches are the backward passes of the branches.
 *
 * What they read of the branch taken are further outputs of the forward If; the branch not taken gives them as tensors
 * without elements.
 */
export const ifRule: GradientRule = {
  opType: 'If',
  domain: '',
  opsets: [11, latestOpset],
  backward(context) {
    const { node, builder } = context;
    const operands = operandsOf(node);
    const wrt = operands.filter((_, i) => i > 0 && context.wants(i));
    const branches = [branchOf(node, 'then_branch'), branchOf(node, 'else_branch')] as const;
    const [whenTrue, whenFalse] = branches.map((body) => differentiateBranch(context, body, wrt));
    if (whenTrue === undefined || whenFalse === undefined) return [];
    builder.replaceNode(node, savingIf(context, whenTrue, whenFalse));
    const reached = wrt.filter((name) => whenTrue.gradients.has(name) || whenFalse.gradients.has(name));
    if (reached.length === 0) return [];
    const outputs = reached.map((name) => builder.freshName(`ni/If/${name}`));
    builder.node('If', [node.inputs[0] ?? ''], {
      outputs,
      attributes: {
        then_branch: { kind: 'graph', value: backwardBranch(context, whenTrue, reached) },
        else_branch: { kind: 'graph', value: backwardBranch(context, whenFalse, reached) },
      },
    });
    return operands.map((name): InputCotangent => outputs[reached.indexOf(name)]);
  },
};

function branchOf(node: GraphNode, attribute: string): Graph {
  const found = bodiesOf(node).find((body) => body.attribute === attribute);
  if (found === undefined) throw formUnsupported(node, `an If without ${attribute}`);
  return found.graph;
}

function differentiateBranch(context: RuleContext, body: Graph, wrt: readonly string[]): BodyGradient {
  const seeds = context.outputCotangents.flatMap((cotangent, i) => {
    const value = body.outputs[i]?.name;
    return cotangent === undefined || value === undefined ? [] : [{ value, cotangent }];
  });
  return differentiateBody(context, { body, inputTypes: [], seeds, wrt, isLoop: false });
}

/** The If with everything that is read later as further outputs, under the names that the backward branches read. */
function savingIf(
  { node, builder }: RuleContext,
  whenTrue: BodyGradient,
  whenFalse: BodyGradient,
): GraphNode {
  const attributes = new Map(node.attributes);
  const branch = (of: BodyGradient, before: readonly SavedValue[], after: readonly SavedValue[]): Graph =>
    extendBody(builder, of.forward, (writer) => {
      const giveNothing = ({ type }: SavedValue): void => {
        writer.output(writer.nothing(rankOf(type), type.elementType), shapeless(type));
      };
      before.forEach(giveNothing);
      for (const { value, type } of of.saved) writer.output(value, shapeless(type));
      after.forEach(giveNothing);
    });
  attributes.set('then_branch', { kind: 'graph', value: branch(whenTrue, [], whenFalse.saved) });
  attributes.set('else_branch', { kind: 'graph', value: branch(whenFalse, whenTrue.saved, []) });
  const own = whenTrue.forward.outputs.map((_, i) => node.outputs[i] ?? '');
  const saved = [...whenTrue.saved, ...whenFalse.saved].map(({ name }) => name);
  return {
    ...node,
    attributes,
    outputs: [...own.map((name) => name || builder.freshName('ni/If')), ...saved],
  };
}

/** The runtime would take a declared rank for the value's own; in a branch that is never taken it may be another. */
function shapeless(type: SavedValue['type']): ValueType {
  return { ...type, shape: null };
}

/** Ranks that agree in both branches stay known behind the If. */
function rankOf(type: SavedValue['type']): number {
  return type.shape?.length ?? 1;
}

function backwardBranch(context: RuleContext, branch: BodyGradient, wrt: readonly string[]): Graph {
  const writer = new BodyWriter(context.builder, branch);
  for (const name of wrt) {
    const type = context.typeOf(name);
    writer.output(branch.gradients.get(name) ?? writer.zerosLike(name, elementTypeOf(type)), type);
  }
  return writer.build('backward');
}
