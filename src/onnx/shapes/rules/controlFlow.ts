import {
  bodiesOf,
  type Dimension,
  type Graph,
  intAttribute,
  intsAttribute,
  type ValueType,
} from '../../model.js';
import { positiveAxis, type Shape } from '../dimensions.js';
import { type Fact, tensorFact, unknownFact } from '../facts.js';
import { type InferRule, type NodeView, numbersOf, type RuleEntries } from '../rule.js';

function bodyOf(view: NodeView, attribute: string): Graph | undefined {
  return bodiesOf(view.node).find((body) => body.attribute === attribute)?.graph;
}

/** Returns the type that holds for both: sizes that differ are unknown. */
export function commonType(a: ValueType, b: ValueType): ValueType {
  if (a.kind === 'tensor' && b.kind === 'tensor') {
    const elementType = a.elementType === b.elementType ? a.elementType : 'undefined';
    return { kind: 'tensor', elementType, shape: commonShape(a.shape, b.shape) };
  }
  if (a.kind === 'sequence' && b.kind === 'sequence') {
    return { kind: 'sequence', element: commonType(a.element, b.element) };
  }
  if (a.kind === 'optional' && b.kind === 'optional') {
    return { kind: 'optional', element: commonType(a.element, b.element) };
  }
  return { kind: 'unknown' };
}

function commonShape(a: Shape, b: Shape): Shape {
  if (a === null || b?.length !== a.length) return null;
  return a.map((size, axis): Dimension => (size === b[axis] ? size : null));
}

function commonFact(a: Fact, b: Fact): Fact {
  return { type: commonType(a.type, b.type) };
}

const conditional: InferRule = (view) => {
  const [thenBody, elseBody] = [bodyOf(view, 'then_branch'), bodyOf(view, 'else_branch')];
  const whenTrue = thenBody === undefined ? [] : view.inferBody(thenBody, []);
  const whenFalse = elseBody === undefined ? [] : view.inferBody(elseBody, []);
  const condition = numbersOf(view, 0)?.[0];
  if (condition !== undefined) return condition === 0 ? whenFalse : whenTrue;
  return whenTrue.map((fact, i) => commonFact(fact, whenFalse[i] ?? unknownFact));
};

// A carried value starts as the operator's input and goes round through the body's output; a size that differs between
// the two is not the same in every iteration. Ranks that differ are unknown after one more look.
function settled(view: NodeView, body: Graph, pass: BodyPass): readonly Fact[] {
  let carried = pass.carried;
  for (let round = 0; round < 4; round++) {
    const outputs = view.inferBody(body, [...pass.before, ...carried, ...pass.after]);
    const next = carried.map((fact, i) =>
      commonFact(fact, outputs[pass.firstCarriedOutput + i] ?? unknownFact),
    );
    if (JSON.stringify(next.map((fact) => fact.type)) === JSON.stringify(carried.map((fact) => fact.type))) {
      return outputs;
    }
    carried = next;
  }
  const blank = carried.map(() => unknownFact);
  return view.inferBody(body, [...pass.before, ...blank, ...pass.after]);
}

interface BodyPass {
  readonly before: readonly Fact[];
  readonly carried: readonly Fact[];
  readonly after: readonly Fact[];
  /** Position of the first carried value among the body's outputs. */
  readonly firstCarriedOutput: number;
}

function withoutValue(fact: Fact | undefined): Fact {
  return { type: fact?.type ?? { kind: 'unknown' } };
}

const loop: InferRule = (view) => {
  const body = bodyOf(view, 'body');
  if (body === undefined) return [];
  const initial = view.inputs.slice(2).map(withoutValue);
  const before = [tensorFact('int64', []), tensorFact('bool', [])];
  const outputs = settled(view, body, { before, carried: initial, after: [], firstCarriedOutput: 1 });
  const carried = initial.map((fact, i) => commonFact(fact, outputs[1 + i] ?? unknownFact));
  const iterations = constantTripCount(view, body) ?? view.freshDimension();
  const scanned = outputs.slice(1 + initial.length).map((fact) => stacked(fact, 0, iterations));
  return [...carried, ...scanned];
};

/** The number of iterations, where nothing can end the loop before its trip count. */
function constantTripCount(view: NodeView, body: Graph): number | undefined {
  const count = numbersOf(view, 0)?.[0];
  const goesOn = view.inputs[1] === undefined || numbersOf(view, 1)?.[0] === 1;
  const [, conditionInput] = body.inputs;
  const conditionOutput = body.outputs[0]?.name;
  const passesOn = body.nodes.some(
    (node) =>
      node.opType === 'Identity' &&
      node.outputs[0] === conditionOutput &&
      node.inputs[0] === conditionInput?.name,
  );
  return goesOn && (passesOn || conditionOutput === conditionInput?.name) ? count : undefined;
}

function stacked(fact: Fact, axis: number, length: Dimension): Fact {
  const { type } = fact;
  if (type.kind !== 'tensor' || type.shape === null) return withoutValue({ type: tensorOf(type) });
  const at = positiveAxis(axis, type.shape.length + 1);
  return tensorFact(type.elementType, [...type.shape.slice(0, at), length, ...type.shape.slice(at)]);
}

function tensorOf(type: ValueType): ValueType {
  return type.kind === 'tensor' ? { ...type, shape: null } : { kind: 'unknown' };
}

function shapeOfFact(fact: Fact | undefined): Shape {
  return fact?.type.kind === 'tensor' ? fact.type.shape : null;
}

function element(fact: Fact | undefined, axis: number): Fact {
  const type = fact?.type;
  if (type?.kind !== 'tensor' || type.shape === null) return withoutValue(type && { type: tensorOf(type) });
  const at = positiveAxis(axis, type.shape.length);
  return tensorFact(
    type.elementType,
    type.shape.filter((_, i) => i !== at),
  );
}

const scan: InferRule = (view) => {
  const body = bodyOf(view, 'body');
  // Opset 8 has a batch axis and an input of lengths before the states.
  if (body === undefined || view.opset < 9) return [];
  const scanCount = intAttribute(view.node, 'num_scan_inputs', 0);
  const stateCount = view.inputs.length - scanCount;
  const axes = intsAttribute(view.node, 'scan_input_axes') ?? [];
  const states = view.inputs.slice(0, stateCount).map(withoutValue);
  const scans = view.inputs.slice(stateCount);
  const after = scans.map((fact, i) => element(fact, axes[i] ?? 0));
  const outputs = settled(view, body, { before: [], carried: states, after, firstCarriedOutput: 0 });
  const first = shapeOfFact(scans[0]);
  const length = first?.[positiveAxis(axes[0] ?? 0, first.length)] ?? null;
  const outputAxes = intsAttribute(view.node, 'scan_output_axes') ?? [];
  const carried = states.map((fact, i) => commonFact(fact, outputs[i] ?? unknownFact));
  const scanned = outputs.slice(stateCount).map((fact, i) => stacked(fact, outputAxes[i] ?? 0, length));
  return [...carried, ...scanned];
};

const sequenceMap: InferRule = (view) => {
  const body = bodyOf(view, 'body');
  if (body === undefined) return [];
  const elements = view.inputs.map((fact, i): Fact => {
    if (fact?.type.kind === 'sequence') return { type: fact.type.element };
    return i === 0 ? unknownFact : withoutValue(fact);
  });
  return view.inferBody(body, elements).map(({ type }) => ({ type: { kind: 'sequence', element: type } }));
};

/** Operators with bodies. */
export const controlFlowRules: RuleEntries = [
  ['If', conditional],
  ['Loop', loop],
  ['Scan', scan],
  ['SequenceMap', sequenceMap],
];
