import { intAttribute } from '../../../onnx/model.js';
import { formUnsupported } from '../../gradients/gradientErrors.js';
import { rankOf, shapeIfKnown } from '../../gradients/staticShapes.js';
import { lowering } from '../entry.js';

/** STFT: frames cut from the signal [B, L, parts], each times the window and transformed, [B, frames, bins, 2]. */
export const stft = lowering(
  { opType: 'STFT', domain: '', first: 17 },
  ({ context, node, emit, inputs, input }) => {
    const [signal = '', step = ''] = inputs;
    const window = input(2);
    const given = input(3) ?? (window === undefined ? undefined : emit.shape(window));
    if (given === undefined) throw formUnsupported(node, 'neither a window nor a frame length');
    if (window !== undefined && shapeIfKnown(context, signal)?.[2] === 2) {
      // ONNX Runtime multiplies complex signals by something else than this window.
      throw formUnsupported(node, 'a window on a complex signal');
    }
    const shaped = rankOf(context, signal) === 2 ? emit.unsqueeze(signal, [2]) : signal;
    const length = emit.reshapeTo(emit.castTo(given, 'int64'), []);
    const stride = emit.reshapeTo(emit.castTo(step, 'int64'), []);
    const total = emit.squeeze(emit.shape(shaped, 1, 2), [0]);
    const count = emit.add(emit.div(emit.sub(total, length), stride), emit.intScalar(1));
    const upTo = (end: string): string => emit.node('Range', [emit.intScalar(0), end, emit.intScalar(1)]);
    const places = emit.add(emit.unsqueeze(emit.mul(upTo(count), stride), [1]), upTo(length));
    const frames = emit.node('Gather', [shaped, places], { axis: 1 });
    const windowed = window === undefined ? frames : emit.mul(frames, emit.unsqueeze(window, [1]));
    const onesided = intAttribute(node, 'onesided', 1);
    const isOperand = emit.builder.opset >= 20;
    return [
      isOperand
        ? emit.node('DFT', [windowed, '', emit.intScalar(2)], { onesided })
        : emit.node('DFT', [windowed], { onesided, axis: 2 }),
    ];
  },
);
