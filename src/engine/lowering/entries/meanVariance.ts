import { intsAttribute } from '../../../onnx/model.js';
import { lowering } from '../entry.js';

/** Keeps the division finite where nothing varies, as ONNX defines it. */
const epsilon = 1e-9;

/** MeanVarianceNormalization: (x − mean)/(deviation + ε) over axes, by default all but the channels. */
export const meanVarianceNormalization = lowering(
  { opType: 'MeanVarianceNormalization', domain: '', first: 9 },
  ({ node, emit, inputs: [x = ''] }) => {
    const axes = intsAttribute(node, 'axes') ?? [0, 2, 3];
    const centred = emit.sub(x, emit.mean(x, axes));
    const deviation = emit.node('Sqrt', [emit.mean(emit.square(centred), axes)]);
    return [emit.div(centred, emit.add(deviation, emit.scalar(epsilon)))];
  },
);
