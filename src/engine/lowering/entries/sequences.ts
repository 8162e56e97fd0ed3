import { bodiesOf, type GraphNode, intAttribute } from '../../../onnx/model.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import { Emitter } from '../../gradients/emitter.js';
import { formUnsupported } from '../../gradients/gradientErrors.js';
import { normalAxis, shapeOf } from '../../gradients/staticShapes.js';
import { Renamer } from '../../graph/renamer.js';
import { type Composite, lowering } from '../entry.js';

/**
 * Operators that pack tensors into sequences and optionals.
 *
 * They have no gradient of their own: what takes a tensor out is traced back to where it was put in.
 */
export const packingOperators: readonly string[] = [
  ...[
    'SequenceConstruct',
    'SequenceEmpty',
    'SequenceInsert',
    'SequenceErase',
    'SplitToSequence',
    'SequenceMap',
  ],
  'Optional',
];

/** A tensor in a sequence, by name; what makes it is appended when it is asked for. */
type Element = () => string;

/** The tensors in a sequence, followed back through the operators that packed it. */
function elementsOf(composite: Composite, sequence: string): readonly Element[] {
  const producer = composite.context.producerOf(sequence);
  const trace = producer === undefined ? undefined : traces[producer.opType];
  if (producer === undefined || trace === undefined || producer.domain !== '') {
    throw formUnsupported(composite.node, 'a sequence that is built while running');
  }
  return trace(composite, producer, producer.outputs.indexOf(sequence));
}

type Trace = (composite: Composite, producer: GraphNode, output: number) => readonly Element[];

const passed: Trace = (composite, { inputs }) => elementsOf(composite, inputs[0] ?? '');

const traces: Readonly<Record<string, Trace>> = {
  SequenceConstruct: (_, { inputs }) => inputs.map((input) => () => input),
  SequenceEmpty: () => [],
  SequenceInsert: (composite, { inputs: [sequence = '', element = '', position = ''] }) => {
    const elements = elementsOf(composite, sequence);
    const at = position === '' ? elements.length : placeIn(composite, position, elements.length);
    return [...elements.slice(0, at), () => element, ...elements.slice(at)];
  },
  SequenceErase: (composite, { inputs: [sequence = '', position = ''] }) => {
    const elements = elementsOf(composite, sequence);
    const at = position === '' ? elements.length - 1 : placeIn(composite, position, elements.length);
    return elements.filter((_, i) => i !== at);
  },
  SplitToSequence: split,
  SequenceMap: mapped,
  Identity: passed,
  Optional: passed,
  OptionalGetElement: passed,
};

/** The body of a SequenceMap once for every element; further operands that are no sequences are the same for all. */
function mapped(composite: Composite, producer: GraphNode, output: number): readonly Element[] {
  const { context, node } = composite;
  const [found] = bodiesOf(producer);
  if (found === undefined) throw formUnsupported(node, 'a SequenceMap without a body');
  const body = found.graph;
  const operands = producer.inputs.map((input, i): ((element: number) => string) => {
    const isSequence = i === 0 || context.typeOf(input).kind === 'sequence';
    if (!isSequence) return () => input;
    const elements = elementsOf(composite, input);
    return (element) => elements[element]?.() ?? '';
  });
  return elementsOf(composite, producer.inputs[0] ?? '').map((_, element) => () => {
    const renamer = new Renamer({
      freshName: (hint) => context.builder.freshName(`ni/SequenceMap/${hint}`),
      keeps: () => false,
    });
    body.inputs.forEach(({ name }, i) => {
      renamer.alias(name, operands[i]?.(element) ?? '');
    });
    for (const tensor of renamer.initializers(body.initializers.values()).values()) {
      context.builder.initializer(tensor);
    }
    for (const made of renamer.nodes(body.nodes)) context.builder.append(made);
    return renamer.nameOf(body.outputs[output]?.name ?? '');
  });
}

/** A constant position, counted from the end when it is negative. */
function placeIn({ context, node }: Composite, position: string, count: number): number {
  const value = context.constantOf(position);
  if (value === undefined) throw formUnsupported(node, `a position computed while running ("${position}")`);
  return normalAxis(toFloat64(value)[0] ?? 0, count);
}

function split(composite: Composite, producer: GraphNode): readonly Element[] {
  const { context, node } = composite;
  const [x = '', sizes = ''] = producer.inputs;
  const shape = shapeOf(context, x);
  const axis = normalAxis(intAttribute(producer, 'axis', 0), shape.length);
  const size = shape[axis];
  const value = sizes === '' ? undefined : context.constantOf(sizes);
  if (typeof size !== 'number' || (sizes !== '' && value === undefined)) {
    throw formUnsupported(node, 'a sequence whose length is known while running only');
  }
  const given = value === undefined ? [1] : Array.from(toFloat64(value));
  const isList = value !== undefined && value.dims.length === 1;
  const lengths = isList ? given : equalParts(size, given[0] ?? 1);
  const type = context.typeOf(x);
  const emit = new Emitter(context.builder, type.kind === 'tensor' ? type.elementType : 'float32');
  const outputs = lengths.map(() => emit.builder.freshName('ni/part'));
  emit.builder.node('Split', [x, emit.ints(lengths)], { attributes: { axis }, outputs });
  const isDropped = sizes === '' && intAttribute(producer, 'keepdims', 1) === 0;
  return outputs.map((part) => () => (isDropped ? emit.squeeze(part, [axis]) : part));
}

/** Parts of one length, the last one shorter where it does not divide. */
function equalParts(size: number, length: number): readonly number[] {
  const whole = Array.from({ length: Math.floor(size / length) }, () => length);
  return size % length === 0 ? whole : [...whole, size % length];
}

/** SequenceAt: the tensor that was put there. */
export const sequenceAt = lowering({ opType: 'SequenceAt', domain: '', first: 11 }, (composite) => {
  const [sequence = '', position = ''] = composite.inputs;
  const elements = elementsOf(composite, sequence);
  return [elements[placeIn(composite, position, elements.length)]?.()];
});

/** ConcatFromSequence: Concat of the tensors that were put in. */
export const concatFromSequence = lowering(
  { opType: 'ConcatFromSequence', domain: '', first: 11 },
  (composite) => {
    const { context, node, inputs } = composite;
    const elements = elementsOf(composite, inputs[0] ?? '').map((element) => element());
    const type = context.typeOf(elements[0] ?? '');
    const emit = new Emitter(context.builder, type.kind === 'tensor' ? type.elementType : 'float32');
    const axis = intAttribute(node, 'axis', 0);
    const isNew = intAttribute(node, 'new_axis', 0) === 1;
    const parts = isNew ? elements.map((element) => emit.unsqueeze(element, [axis])) : elements;
    return [emit.concat(parts, axis)];
  },
);

/** OptionalGetElement: the tensor that was put in. */
export const optionalGetElement = lowering(
  { opType: 'OptionalGetElement', domain: '', first: 15 },
  (composite) => {
    const { context, inputs } = composite;
    const [optional = ''] = inputs;
    // From opset 18 on it takes tensors too, and hands them through.
    if (context.typeOf(optional).kind === 'tensor') return [optional];
    const producer = context.producerOf(optional);
    if (producer?.opType !== 'Optional') {
      throw formUnsupported(composite.node, 'an optional that is made while running');
    }
    return [producer.inputs[0]];
  },
);
