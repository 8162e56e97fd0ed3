import { intAttribute, stringAttribute } from '../../../onnx/model.js';
import { rankOf } from '../../gradients/staticShapes.js';
import { type Composite, lowering } from '../entry.js';

/** SoftmaxCrossEntropyLoss: the negative log-likelihood of LogSoftmax along the classes. */
export const softmaxCrossEntropyLoss = lowering(
  { opType: 'SoftmaxCrossEntropyLoss', domain: '', first: 12 },
  (composite) => {
    const [scores = ''] = composite.inputs;
    const logarithms = composite.emit.node('LogSoftmax', [scores], { axis: 1 });
    return [likelihoodLoss(composite, logarithms), logarithms];
  },
);

/** NegativeLogLikelihoodLoss: minus the log-probabilities of the labels, weighted and reduced. */
export const negativeLogLikelihoodLoss = lowering(
  { opType: 'NegativeLogLikelihoodLoss', domain: '', first: 12 },
  (composite) => [likelihoodLoss(composite, composite.inputs[0] ?? '')],
);

/** −w[label]·x[n, label, …], summed, averaged by the weights, or as it is; ignored labels weigh nothing. */
function likelihoodLoss(composite: Composite, x: string): string {
  const { context, node, emit, inputs } = composite;
  const labels = emit.castTo(inputs[1] ?? '', 'int64');
  const { kept, safe } = ignoring(composite, labels);
  const chosen = emit.node('GatherElements', [x, emit.unsqueeze(safe, [1])], { axis: 1 });
  const weight = weightOf(composite, safe, kept);
  const losses = emit.neg(emit.mul(emit.squeeze(chosen, [1]), weight));
  const reduction = stringAttribute(node, 'reduction', 'mean');
  if (reduction === 'none') return losses;
  const axes = Array.from({ length: rankOf(context, inputs[0] ?? '') - 1 }, (_, axis) => axis);
  const total = emit.sum(losses, axes, false);
  return reduction === 'sum' ? total : emit.div(total, emit.sum(weight, axes, false));
}

/** Whether a label counts, and the labels with 0 in the place of those that do not. */
function ignoring(
  { node, emit }: Composite,
  labels: string,
): { readonly kept: string | undefined; readonly safe: string } {
  if (!node.attributes.has('ignore_index')) return { kept: undefined, safe: labels };
  const ignored = emit.node('Equal', [labels, emit.intScalar(intAttribute(node, 'ignore_index', 0))]);
  return { kept: emit.node('Not', [ignored]), safe: emit.where(ignored, emit.intScalar(0), labels) };
}

function weightOf({ emit, input }: Composite, labels: string, kept: string | undefined): string {
  const weights = input(2);
  const own =
    weights === undefined
      ? emit.node('Expand', [emit.scalar(1), emit.shape(labels)])
      : emit.node('Gather', [weights, labels]);
  return kept === undefined ? own : emit.maskWhere(kept, own);
}
