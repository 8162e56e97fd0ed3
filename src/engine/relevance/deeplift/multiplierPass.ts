import { bodiesOf, type Model } from '../../../onnx/model.js';
import { differentiate } from '../../gradients/differentiate.js';
import type { GradientRule, InputCotangent, RuleContext } from '../../gradients/gradientRule.js';
import { GraphBuilder } from '../../graph/graphBuilder.js';
import type { BackwardPass, BackwardRequest, BackwardResult } from '../backwardPass.js';
import { interposed } from '../interpose.js';
import { OperatorNames } from '../operatorNames.js';
import { differenceAt } from './differences.js';
import { multiplierRule } from './multiplierRules.js';
import { type ReferenceRun, withReferenceRun } from './referenceRun.js';
import { RevealCancel } from './revealCancel.js';

/** How a nonlinearity's change is shared out: as one, or its positive and negative parts apart. */
export type DifferenceRule = 'rescale' | 'revealcancel';

/**
 * Returns the backward pass of DeepLIFT: multipliers m with Σ m·(x − r) = f(x) − f(r) flow where gradients do, and the
 * scores at a site are m·(x − r).
 *
 * Operators without a rule are named in `withoutRule` and send the gradient at x through; then the sum is off.
 */
export function multiplierPass(kind: DifferenceRule): BackwardPass {
  return { id: `deeplift-${kind}`, append: (model, request) => appendMultipliers(kind, model, request) };
}

function appendMultipliers(kind: DifferenceRule, model: Model, request: BackwardRequest): BackwardResult {
  const run = withReferenceRun(model, request);
  const names = new OperatorNames();
  const reveal = kind === 'revealcancel' ? new RevealCancel(run) : undefined;
  const rules = interposed((own, context) => through(own, context, { run, names, reveal }));
  const { seeds, wrt } = request;
  const result = differentiate(run.model, { seeds, wrt, types: run.types, rules });
  const builder = new GraphBuilder(result.model);
  const scores = new Map<string, string>();
  for (const [site, multiplier] of result.gradients) {
    const change = builder.node('Sub', [site, run.referenceOf(site)]);
    scores.set(site, builder.node('Mul', [multiplier, change]));
  }
  return {
    model: builder.build(),
    scores,
    references: run.references,
    terms: [],
    withoutRule: names.list,
  };
}

interface PassState {
  readonly run: ReferenceRun;
  readonly names: OperatorNames;
  readonly reveal: RevealCancel | undefined;
}

function through(own: GradientRule, context: RuleContext, state: PassState): readonly InputCotangent[] {
  const { run, names, reveal } = state;
  const { node, outputCotangents } = context;
  const [g, ...others] = outputCotangents;
  const varying = node.inputs.flatMap((name, index) => (run.varies(name) ? [index] : []));
  const isFollowed = varying.length > 0 && varying.every((index) => context.wants(index));
  const rule = isFollowed && bodiesOf(node).length === 0 ? multiplierRule(node, varying) : undefined;
  if (rule === undefined) {
    names.add(node);
    // Bodies have no second run: the plain gradient goes on inside.
    return own.backward({ ...context, differentiate });
  }
  // Split and the like have several results, each with its multiplier: they are linear, and take no account of runs.
  if (g === undefined || others.some((each) => each !== undefined)) return own.backward(context);
  const difference = differenceAt(own, context, { g, run });
  return reveal?.through(difference, varying, rule) ?? rule(difference);
}
