import { dataTypeOfCode } from '../../dataTypes.js';
import { type Attribute, intAttribute, intsAttribute } from '../../model.js';
import { elementCountOf } from '../../tensorValue.js';
import { concreteShape } from '../dimensions.js';
import { constantFact, type Fact, knownFact, maxKnownElements, tensorFact, unknownFact } from '../facts.js';
import {
  elementOf,
  hasInput,
  type InferRule,
  like,
  numbersOf,
  type RuleEntries,
  shapeOf,
  valueOf,
} from '../rule.js';

function constantOf(attribute: Attribute): Fact {
  switch (attribute.kind) {
    case 'tensor':
      return constantFact(attribute.value);
    case 'sparse-tensor':
      return tensorFact(attribute.value.values.elementType, attribute.value.dims);
    case 'float':
      return knownFact('float32', { dims: [], entries: [attribute.value] });
    case 'int':
      return knownFact('int64', { dims: [], entries: [Number(attribute.value)] });
    case 'floats':
      return knownFact('float32', { dims: [attribute.value.length], entries: attribute.value });
    case 'ints':
      return knownFact('int64', { dims: [attribute.value.length], entries: attribute.value.map(Number) });
    case 'string':
      return tensorFact('string', []);
    case 'strings':
      return tensorFact('string', [attribute.value.length]);
    default:
      return unknownFact;
  }
}

const constant: InferRule = (view) => {
  for (const [name, attribute] of view.node.attributes) {
    if (name.startsWith('value') || name === 'sparse_value') return [constantOf(attribute)];
  }
  return [unknownFact];
};

const filled: InferRule = (view) => {
  const attribute = view.node.attributes.get('value');
  const tensor = attribute?.kind === 'tensor' ? attribute.value : undefined;
  const elementType = tensor?.elementType ?? 'float32';
  const shape = valueOf(view, 0)?.entries;
  if (shape === undefined) {
    const rank = shapeOf(view, 0)?.[0];
    return [
      tensorFact(elementType, typeof rank === 'number' ? Array.from({ length: rank }, () => null) : null),
    ];
  }
  const dims = concreteShape(shape);
  const entry = tensor === undefined ? 0 : constantFact(tensor).value?.entries[0];
  if (dims === undefined || entry === undefined || elementCountOf(dims) > maxKnownElements) {
    return [tensorFact(elementType, shape)];
  }
  const entries = Array.from({ length: elementCountOf(dims) }, () => entry);
  return [knownFact(elementType, { dims, entries })];
};

const range: InferRule = (view) => {
  const [start, limit, delta] = [0, 1, 2].map((i) => valueOf(view, i)?.entries[0]);
  if (start === 0 && delta === 1 && typeof limit === 'string') return [like(view, 0, [limit])];
  if (typeof start !== 'number' || typeof limit !== 'number' || typeof delta !== 'number' || delta === 0) {
    return [like(view, 0, [view.freshDimension()])];
  }
  const length = Math.max(Math.ceil((limit - start) / delta), 0);
  if (length > maxKnownElements) return [like(view, 0, [length])];
  const entries = Array.from({ length }, (_, i) => start + i * delta);
  return [knownFact(elementOf(view, 0), { dims: [length], entries })];
};

const random: InferRule = ({ node }) => [
  tensorFact(dataTypeOfCode(intAttribute(node, 'dtype', 1)), intsAttribute(node, 'shape') ?? null),
];

const multinomial: InferRule = (view) => [
  tensorFact(dataTypeOfCode(intAttribute(view.node, 'dtype', 6)), [
    shapeOf(view, 0)?.[0] ?? null,
    intAttribute(view.node, 'sample_size', 1),
  ]),
];

const window: InferRule = (view) => [
  tensorFact(dataTypeOfCode(intAttribute(view.node, 'output_datatype', 1)), [
    valueOf(view, 0)?.entries[0] ?? null,
  ]),
];

/** `[spectrogram bins, mel bins]`. */
const melWeights: InferRule = (view) => {
  const length = numbersOf(view, 1)?.[0];
  return [
    tensorFact(dataTypeOfCode(intAttribute(view.node, 'output_datatype', 1)), [
      length === undefined ? null : Math.floor(length / 2) + 1,
      numbersOf(view, 0)?.[0] ?? null,
    ]),
  ];
};

/** `[…, length, 1 or 2]` to `[…, bins, 2]`; from opset 20 the axis is an input. */
const fourier: InferRule = (view) => {
  const { node, opset } = view;
  const shape = shapeOf(view, 0);
  if (shape === null) return [like(view, 0, null)];
  const axisInput = hasInput(view, 2) ? numbersOf(view, 2)?.[0] : -2;
  const axis = opset < 20 ? intAttribute(node, 'axis', 1) : axisInput;
  if (axis === undefined) {
    return [
      like(
        view,
        0,
        shape.map(() => null),
      ),
    ];
  }
  const at = axis < 0 ? axis + shape.length : axis;
  const length = hasInput(view, 1) ? (valueOf(view, 1)?.entries[0] ?? null) : (shape[at] ?? null);
  const isOneSided = intAttribute(node, 'onesided', 0) !== 0;
  const isInverse = intAttribute(node, 'inverse', 0) !== 0;
  const half = typeof length === 'number' ? Math.floor(length / 2) + 1 : null;
  const last = isOneSided && isInverse ? 1 : 2;
  const bins = isOneSided && !isInverse ? half : length;
  return [
    like(
      view,
      0,
      shape.map((size, i) => (i === at ? bins : i === shape.length - 1 ? last : size)),
    ),
  ];
};

/** `[batch, length, 1 or 2]` to `[batch, frames, bins, 2]`. */
const shortFourier: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const step = numbersOf(view, 1)?.[0];
  const windowLength = shapeOf(view, 2)?.[0];
  const frame = numbersOf(view, 3)?.[0] ?? (typeof windowLength === 'number' ? windowLength : undefined);
  const length = shape?.[1];
  const isKnown = typeof length === 'number' && step !== undefined && frame !== undefined;
  const frames = isKnown ? Math.floor((length - frame) / step) + 1 : null;
  const isOneSided = intAttribute(view.node, 'onesided', 1) !== 0;
  const bins = frame === undefined ? null : isOneSided ? Math.floor(frame / 2) + 1 : frame;
  return [like(view, 0, [shape?.[0] ?? null, frames, bins, 2])];
};

/** Constants, generators and spectral transforms. */
export const sourceRules: RuleEntries = [
  ['Constant', constant],
  ['ConstantOfShape', filled],
  ['Range com.microsoft:Range', range],
  ['RandomNormal RandomUniform', random],
  ['Multinomial', multinomial],
  ['BlackmanWindow HammingWindow HannWindow', window],
  ['MelWeightMatrix', melWeights],
  ['DFT', fourier],
  ['STFT', shortFourier],
];
