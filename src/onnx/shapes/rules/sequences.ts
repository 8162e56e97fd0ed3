import { dataTypeOfCode } from '../../dataTypes.js';
import { type Dimension, intAttribute, type ValueType } from '../../model.js';
import { positiveAxis, withDimension } from '../dimensions.js';
import { type Fact, knownFact, tensorFact, unknownFact } from '../facts.js';
import { type InferRule, type NodeView, type RuleEntries } from '../rule.js';
import { commonType } from './controlFlow.js';

function elementType(view: NodeView, index: number): ValueType {
  const type = view.inputs[index]?.type;
  return type?.kind === 'sequence' || type?.kind === 'optional' ? type.element : { kind: 'unknown' };
}

function sequenceOf(element: ValueType): Fact {
  return { type: { kind: 'sequence', element } };
}

const construct: InferRule = (view) => {
  const types = view.inputs.map((fact): ValueType => fact?.type ?? { kind: 'unknown' });
  return [sequenceOf(types.reduce(commonType))];
};

const empty: InferRule = ({ node }) => [
  sequenceOf({ kind: 'tensor', elementType: dataTypeOfCode(intAttribute(node, 'dtype', 1)), shape: null }),
];

const at: InferRule = (view) => [{ type: elementType(view, 0) }];

const insert: InferRule = (view) => {
  const inserted = view.inputs[1]?.type ?? { kind: 'unknown' };
  return [sequenceOf(commonType(elementType(view, 0), inserted))];
};

const concatenate: InferRule = (view) => {
  const type = elementType(view, 0);
  if (type.kind !== 'tensor') return [unknownFact];
  const { shape } = type;
  if (shape === null) return [tensorFact(type.elementType, null)];
  const axis = intAttribute(view.node, 'axis', 0);
  if (intAttribute(view.node, 'new_axis', 0) === 0) {
    return [
      tensorFact(
        type.elementType,
        withDimension(shape, positiveAxis(axis, shape.length), view.freshDimension()),
      ),
    ];
  }
  const place = positiveAxis(axis, shape.length + 1);
  const sizes: Dimension[] = [...shape.slice(0, place), view.freshDimension(), ...shape.slice(place)];
  return [tensorFact(type.elementType, sizes)];
};

const optional: InferRule = (view) => {
  const given = view.inputs[0]?.type;
  const attribute = view.node.attributes.get('type');
  const declared: ValueType = attribute?.kind === 'type' ? attribute.value : { kind: 'unknown' };
  return [{ type: { kind: 'optional', element: given ?? declared } }];
};

const content: InferRule = (view) => {
  const type = view.inputs[0]?.type;
  return [type === undefined ? unknownFact : { type: type.kind === 'optional' ? type.element : type }];
};

const hasContent: InferRule = (view) => {
  const type = view.inputs[0]?.type;
  // An input that is no optional always has content; an omitted one never has.
  if (type === undefined) return [knownFact('bool', { dims: [], entries: [0] })];
  return [type.kind === 'tensor' ? knownFact('bool', { dims: [], entries: [1] }) : tensorFact('bool', [])];
};

/** Sequences and optionals. */
export const sequenceRules: RuleEntries = [
  ['SequenceConstruct', construct],
  ['SequenceEmpty', empty],
  ['SequenceAt', at],
  ['SequenceErase', (view) => [view.inputs[0]]],
  ['SequenceInsert', insert],
  ['SequenceLength', () => [tensorFact('int64', [])]],
  ['ConcatFromSequence', concatenate],
  ['Optional', optional],
  ['OptionalGetElement', content],
  ['OptionalHasElement', hasContent],
];
