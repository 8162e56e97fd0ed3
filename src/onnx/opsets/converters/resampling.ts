import { type Attribute, floatAttribute, type GraphNode, stringAttribute } from '../../model.js';
import { float32Tensor } from '../../tensorValue.js';
import {
  type ConversionContext,
  type Converted,
  type Converter,
  newNode,
  notConvertible,
  type VersionChange,
  withAttribute,
  withInput,
  withoutAttributes,
} from '../converter.js';

function text(value: string): Attribute {
  return { kind: 'string', value };
}

const scalesFromSides: Converter = (node) => {
  if (node.attributes.has('scales')) return node;
  const scales = [1, 1, floatAttribute(node, 'height_scale', 1), floatAttribute(node, 'width_scale', 1)];
  const mode = stringAttribute(node, 'mode', 'nearest') === 'bilinear' ? 'linear' : 'nearest';
  const plain = withoutAttributes(node, 'height_scale', 'width_scale');
  return withAttribute(withAttribute(plain, 'mode', text(mode)), 'scales', { kind: 'floats', value: scales });
};

const scalesToInput: Converter = (node, context) => {
  const scales = node.attributes.get('scales');
  if (scales?.kind !== 'floats') return node;
  const constant = context.constant(float32Tensor(scales.value, [scales.value.length]));
  return withInput(withoutAttributes(node, 'scales'), 1, constant);
};

/**
 * Opset 10 samples at output / scale, and takes for the nearest pixel the one before when it enlarges and the one after
 * when it shrinks; opset 11 has one rule for all axes, so nearest resizing that does both is done in two steps.
 */
const namedModes: Converter = (node, context) => {
  const [data = '', scales = ''] = node.inputs;
  const asymmetric = withAttribute(
    withAttribute(node, 'coordinate_transformation_mode', text('asymmetric')),
    'nearest_mode',
    text('floor'),
  );
  const enlarging: GraphNode = { ...asymmetric, inputs: [data, '', scales] };
  if (stringAttribute(node, 'mode', 'nearest') !== 'nearest') return enlarging;
  const factors = context.numbersOf(scales);
  if (factors === undefined || factors.every((factor) => factor >= 1)) return enlarging;
  const shrinking = withAttribute(enlarging, 'nearest_mode', text('ceil'));
  if (factors.every((factor) => factor <= 1)) return shrinking;
  return bothWays(enlarging, shrinking, { factors, context });
};

function bothWays(
  enlarging: GraphNode,
  shrinking: GraphNode,
  { factors, context }: { readonly factors: readonly number[]; readonly context: ConversionContext },
): Converted {
  const only = (keeps: (factor: number) => boolean): string =>
    context.constant(
      float32Tensor(
        factors.map((factor) => (keeps(factor) ? factor : 1)),
        [factors.length],
      ),
    );
  const shrunk = context.freshName(`${enlarging.outputs[0] ?? ''}/shrunk`);
  const first: GraphNode = {
    ...newNode('Resize', {
      inputs: [enlarging.inputs[0] ?? '', '', only((factor) => factor < 1)],
      output: shrunk,
    }),
    attributes: shrinking.attributes,
  };
  return { before: [first], node: { ...enlarging, inputs: [shrunk, '', only((factor) => factor > 1)] } };
}

/**
 * tf_half_pixel_for_nn reads at half_pixel + ½, so its roundings are other roundings of half_pixel: ⌊c + ½⌋ rounds half
 * up, and ⌈(c + ½) − ½⌉ is ⌈c⌉.
 */
const shiftedRoundings: Readonly<Record<string, string>> = {
  floor: 'round_prefer_ceil',
  round_prefer_floor: 'ceil',
};

const withoutTensorflowMode: Converter = (node, context) => {
  if (stringAttribute(node, 'coordinate_transformation_mode', '') !== 'tf_half_pixel_for_nn') return node;
  const rounding = shiftedRoundings[stringAttribute(node, 'nearest_mode', 'round_prefer_floor')];
  if (rounding === undefined || stringAttribute(node, 'mode', 'nearest') !== 'nearest') {
    throw notConvertible(
      node,
      context.opset,
      'the coordinate transformation tf_half_pixel_for_nn was removed',
    );
  }
  const centred = withAttribute(node, 'coordinate_transformation_mode', text('half_pixel'));
  return withAttribute(centred, 'nearest_mode', text(rounding));
};

/** Version changes of resampling; Upsample became Resize. */
export const resampling: readonly VersionChange[] = [
  { operators: 'Upsample', version: 7, convert: scalesFromSides },
  { operators: 'Upsample', version: 9, convert: scalesToInput },
  { operators: 'Upsample', version: 10, convert: (node) => ({ ...node, opType: 'Resize' }) },
  { operators: 'Resize', version: 11, convert: namedModes },
  { operators: 'Resize', version: 13, convert: withoutTensorflowMode },
];
