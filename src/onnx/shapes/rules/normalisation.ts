import { type Dimension, intAttribute } from '../../model.js';
import { positiveAxis, type Shape } from '../dimensions.js';
import { tensorFact } from '../facts.js';
import { type InferRule, like, type NodeView, type RuleEntries, shapeOf } from '../rule.js';

const batch: InferRule = (view) => {
  const channels = shapeOf(view, 1);
  return view.node.outputs.map((_, i) =>
    i === 0 ? like(view, 0, shapeOf(view, 0)) : like(view, 0, channels),
  );
};

const first: InferRule = (view) => [like(view, 0, shapeOf(view, 0))];

/** Returns a shape with the normalised axes collapsed to 1, the form of the saved mean and deviation. */
function collapsedFrom(shape: Shape, axis: number): Shape {
  return shape?.map((size, i): Dimension => (i < positiveAxis(axis, shape.length) ? size : 1)) ?? null;
}

function layer(view: NodeView): ReturnType<InferRule> {
  const shape = shapeOf(view, 0);
  const saved = tensorFact('float32', collapsedFrom(shape, intAttribute(view.node, 'axis', -1)));
  return [like(view, 0, shape), saved, saved];
}

/** Outputs: normalised, mean, inverse deviation, sum of input and skip. */
const skip: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const saved = tensorFact('float32', collapsedFrom(shape, -1));
  return [like(view, 0, shape), saved, saved, like(view, 0, shape)];
};

/** Normalisations. */
export const normalisationRules: RuleEntries = [
  ['BatchNormalization', batch],
  ['InstanceNormalization GroupNormalization com.microsoft:GroupNorm', first],
  ['LayerNormalization RMSNormalization SimplifiedLayerNormalization', layer],
  ['com.microsoft:LayerNormalization com.microsoft:SimplifiedLayerNormalization', layer],
  ['com.microsoft:SkipLayerNormalization com.microsoft:SkipSimplifiedLayerNormalization', skip],
];
