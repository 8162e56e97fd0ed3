import { floatAttribute, intAttribute } from '../../../onnx/model.js';
import { axesFrom, rankOf } from '../../gradients/staticShapes.js';
import { attributesOf, type Composite, float, microsoft } from '../entry.js';
import { emitLevels, emitReal, realEmitter } from './levels.js';

const isStraightThrough = true;

/** A quantised operator of one operand (x, scale, zero, and the result's scale and zero) by its real equivalent. */
function ofOne(
  opType: string,
  derive: (composite: Composite, x: string) => string,
): ReturnType<typeof microsoft> {
  return microsoft(
    opType,
    (composite) => {
      const { inputs, input } = composite;
      const real = emitReal(composite, { levels: inputs[0] ?? '', scale: input(1), zero: input(2) });
      return [emitLevels(composite, derive(composite, real), { scale: input(3), zero: input(4) })];
    },
    { isStraightThrough },
  );
}

/** A quantised operator of two operands, each with scale and zero point, by its real equivalent. */
function ofTwo(opType: string, core: string): ReturnType<typeof microsoft> {
  return microsoft(
    opType,
    (composite) => {
      const { inputs, input } = composite;
      const a = emitReal(composite, { levels: inputs[0] ?? '', scale: input(1), zero: input(2) });
      const b = emitReal(composite, { levels: inputs[3] ?? '', scale: input(4), zero: input(5) });
      const value = realEmitter(composite).node(core, [a, b]);
      return [emitLevels(composite, value, { scale: input(6), zero: input(7) })];
    },
    { isStraightThrough },
  );
}

/** The real pool; where the channels stand last, which no real pool has, they are turned to the front and back. */
function pooled(core: 'AveragePool' | 'GlobalAveragePool', composite: Composite, x: string): string {
  const { context, node } = composite;
  const emit = realEmitter(composite);
  const attributes = core === 'AveragePool' ? attributesOf(node, poolAttributes) : {};
  if (intAttribute(node, 'channels_last', 0) === 0) return emit.node(core, [x], attributes);
  const rank = rankOf(context, node.inputs[0] ?? '');
  const spatial = axesFrom(1, rank - 1);
  const pool = emit.node(core, [emit.transpose(x, [0, rank - 1, ...spatial])], attributes);
  return emit.transpose(pool, [0, ...axesFrom(2, rank), 1]);
}

const poolAttributes = ['auto_pad', 'ceil_mode', 'count_include_pad', 'kernel_shape', 'pads', 'strides'];

/** QLinearConcat: scale and zero point of the result, then three operands for each part. */
const concatenation = microsoft(
  'QLinearConcat',
  (composite) => {
    const { node, inputs } = composite;
    const parts: string[] = [];
    for (let i = 2; i + 2 < inputs.length; i += 3) {
      parts.push(emitReal(composite, { levels: inputs[i] ?? '', scale: inputs[i + 1], zero: inputs[i + 2] }));
    }
    const value = realEmitter(composite).node('Concat', parts, { axis: intAttribute(node, 'axis', 0) });
    return [emitLevels(composite, value, { scale: inputs[0], zero: inputs[1] })];
  },
  { isStraightThrough },
);

/** Elementwise and pooling operators on levels, by their dequantised equivalents. */
export const quantisedElementwise = [
  ofTwo('QLinearAdd', 'Add'),
  ofTwo('QLinearMul', 'Mul'),
  ofOne('QLinearSigmoid', (composite, x) => realEmitter(composite).node('Sigmoid', [x])),
  ofOne('QLinearLeakyRelu', (composite, x) =>
    realEmitter(composite).node('LeakyRelu', [x], {
      alpha: float(floatAttribute(composite.node, 'alpha', 0.01)),
    }),
  ),
  ofOne('QLinearSoftmax', (composite, x) =>
    realEmitter(composite).node('Softmax', [x], { axis: intAttribute(composite.node, 'axis', -1) }),
  ),
  ofOne('QLinearAveragePool', (composite, x) => pooled('AveragePool', composite, x)),
  ofOne('QLinearGlobalAveragePool', (composite, x) => pooled('GlobalAveragePool', composite, x)),
  concatenation,
];
