import { floatAttribute } from '../../../onnx/model.js';
import { type Emitter, emitterFor } from '../../gradients/emitter.js';
import { type Composite, float, microsoft } from '../entry.js';

/** LayerNormalization(x + skip + bias), and the sum itself. */
export const skipLayerNormalization = microsoft('SkipLayerNormalization', (composite) => {
  const { node, emit, inputs, input } = composite;
  const sum = skipped(composite, input(4));
  const [, , gamma = ''] = inputs;
  const beta = input(3);
  const operands = [sum, gamma, ...(beta === undefined ? [] : [beta])];
  const epsilon = float(floatAttribute(node, 'epsilon', 1e-12));
  return [emit.node('LayerNormalization', operands, { axis: -1, epsilon }), undefined, undefined, sum];
});

/** RMS normalisation of x + skip + bias, and the sum itself. */
export const skipSimplifiedLayerNormalization = microsoft('SkipSimplifiedLayerNormalization', (composite) => {
  const { node, emit, inputs, input } = composite;
  const sum = skipped(composite, input(3));
  const epsilon = float(floatAttribute(node, 'epsilon', 1e-12));
  const normal = emit.node('SimplifiedLayerNormalization', [sum, inputs[2] ?? ''], { axis: -1, epsilon });
  return [normal, undefined, undefined, sum];
});

function skipped({ emit, inputs: [x = '', skip = ''] }: Composite, bias: string | undefined): string {
  const sum = emit.add(x, skip);
  return bias === undefined ? sum : emit.add(sum, bias);
}

/** LayerNormalization of the sum of word, position and segment embeddings, and the sum itself. */
export const embedLayerNormalization = microsoft(
  'EmbedLayerNormalization',
  ({ context, node, inputs, input }) => {
    const [ids = '', , words = '', places = '', , gamma = '', beta = ''] = inputs;
    const emit = emitterFor(context, words);
    const parts = [emit.node('Gather', [words, ids]), placed(emit, { ids, places, position: input(8) })];
    const [segments, segmentTable] = [input(1), input(4)];
    if (segments !== undefined && segmentTable !== undefined) {
      parts.push(emit.node('Gather', [segmentTable, segments]));
    }
    const sum = parts.reduce((total, part) => emit.add(total, part));
    const epsilon = float(floatAttribute(node, 'epsilon', 1e-12));
    return [emit.node('LayerNormalization', [sum, gamma, beta], { axis: -1, epsilon }), undefined, sum];
  },
);

/** Rows of the position table: those given, or the first T. */
function placed(
  emit: Emitter,
  {
    ids,
    places,
    position,
  }: { readonly ids: string; readonly places: string; readonly position: string | undefined },
): string {
  if (position !== undefined) return emit.node('Gather', [places, position]);
  return emit.node('Slice', [places, emit.ints([0]), emit.shape(ids, 1, 2), emit.ints([0])]);
}
