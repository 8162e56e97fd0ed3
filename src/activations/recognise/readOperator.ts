import { clipBounds } from '../../onnx/layers/activationOperators.js';
import { type Constant, scalarOf } from '../../onnx/layers/constants.js';
import { floatAttribute, type GraphNode, qualifiedOperator, stringAttribute } from '../../onnx/model.js';
import { activationCatalogue } from '../catalogue.js';
import { type Expression, number, type OperationName, type Relation } from '../expression.js';
import { operations } from '../operations.js';
import { substitute } from '../substitute.js';

/** What a value in a graph is, as a function of one number: a number, or for comparisons what they compare. */
export type ReadValue = Expression | Comparison;

/** What a comparison gives: true or false. */
export interface Comparison {
  readonly kind: 'comparison';
  readonly relation: Relation;
  readonly left: Expression;
  readonly right: Expression;
}

type Constants = ReadonlyMap<string, Constant>;

/** The operations by the operator that computes each. */
const plain: ReadonlyMap<string, OperationName> = new Map(
  Object.entries(operations).map(([name, { operator }]) => [operator, name as OperationName]),
);

const relations: Readonly<Record<string, Relation>> = {
  Less: '<',
  LessOrEqual: '<=',
  Greater: '>',
  GreaterOrEqual: '>=',
};

/** Operators that change no value of a real number. */
const transparent: ReadonlySet<string> = new Set(['Identity', 'Dropout', 'Cast', 'CastLike']);

/** Entries of the activation operators whose parameters are attributes. */
const byAttributes: Readonly<Record<string, string>> = {
  Relu: 'relu',
  LeakyRelu: 'leaky-relu',
  ThresholdedRelu: 'thresholded-relu',
  Elu: 'elu',
  Selu: 'selu',
  Celu: 'celu',
  HardSigmoid: 'hard-sigmoid',
  HardSwish: 'hard-swish',
  Softsign: 'softsign',
  Mish: 'mish',
  Swish: 'swish',
  Shrink: 'shrink',
  'com.microsoft:FastGelu': 'gelu-tanh',
  'com.microsoft:Gelu': 'gelu',
};

/** Attributes that ONNX calls otherwise than the entry calls its parameter. */
const attributeNames: Readonly<Record<string, string>> = { 'Shrink.lambda': 'lambd', 'Swish.beta': 'alpha' };

/** Tells whether `readOperator` may read a node: whether its operator works element by element. */
export function isElementwise(node: GraphNode): boolean {
  const operator = qualifiedOperator(node);
  return (
    plain.has(operator) ||
    operator in byAttributes ||
    operator in relations ||
    transparent.has(operator) ||
    ['Clip', 'PRelu', 'Gelu', 'com.microsoft:QuickGelu', 'Reciprocal', 'Where'].includes(operator)
  );
}

/**
 * Returns what a node computes of what its operands are; undefined where it is no function of one number: other operators, or
 * constants with more than one element.
 */
export function readOperator(
  node: GraphNode,
  operands: readonly (ReadValue | undefined)[],
  constants: Constants,
): ReadValue | undefined {
  const operator = qualifiedOperator(node);
  if (operator === 'Where') return readWhere(operands);
  const numbers = operands.filter((operand) => operand !== undefined && operand.kind !== 'comparison');
  const [first, second] = numbers;
  if (first === undefined) return undefined;
  if (operator === 'Clip') return readClip(node, first, constants);
  if (transparent.has(operator)) return first;
  if (numbers.length < operands.length) return undefined;
  const relation = relations[operator];
  if (relation !== undefined) {
    return second === undefined ? undefined : { kind: 'comparison', relation, left: first, right: second };
  }
  const operation = plain.get(operator);
  if (operation !== undefined) return readPlain(operation, numbers);
  if (operator === 'Reciprocal') return { kind: 'call', operation: 'divide', operands: [number(1), first] };
  const named = entryOfOperator(node, constants);
  const entry = named && activationCatalogue.get(named.id);
  return entry && substitute(entry.expression, first, new Map(Object.entries(named.parameters)));
}

/** Max and Min take any number of operands. */
function readPlain(operation: OperationName, operands: readonly Expression[]): Expression | undefined {
  const isFolded = operation === 'max' || operation === 'min';
  if (isFolded && operands.length > 1) {
    return operands.reduce((a, b) => ({ kind: 'call', operation, operands: [a, b] }));
  }
  if (operands.length !== operations[operation].operandCount) return undefined;
  return { kind: 'call', operation, operands };
}

function readWhere([holds, then, otherwise]: readonly (ReadValue | undefined)[]): Expression | undefined {
  if (holds?.kind !== 'comparison') return undefined;
  if (then === undefined || then.kind === 'comparison') return undefined;
  if (otherwise === undefined || otherwise.kind === 'comparison') return undefined;
  return { kind: 'choice', relation: holds.relation, left: holds.left, right: holds.right, then, otherwise };
}

function readClip(node: GraphNode, input: Expression, constants: Constants): Expression | undefined {
  const { low, high } = clipBounds(node, constants);
  const isKnown = (operand: number, bound: number | undefined): boolean =>
    bound !== undefined || (node.inputs[operand] ?? '') === '';
  if (!isKnown(1, low) || !isKnown(2, high)) return undefined;
  const raised: Expression =
    low === undefined ? input : { kind: 'call', operation: 'max', operands: [input, number(low)] };
  return high === undefined ? raised : { kind: 'call', operation: 'min', operands: [raised, number(high)] };
}

/** An entry with values for its parameters, by name. */
export interface NamedEntry {
  readonly id: string;
  readonly parameters: Readonly<Record<string, number>>;
}

/** Returns the entry that an operator computes by its attributes and constants; undefined for what is no activation operator. */
export function entryOfOperator(node: GraphNode, constants: Constants): NamedEntry | undefined {
  const operator = qualifiedOperator(node);
  switch (operator) {
    case 'Gelu':
      return {
        id: stringAttribute(node, 'approximate', 'none') === 'tanh' ? 'gelu-tanh' : 'gelu',
        parameters: {},
      };
    case 'com.microsoft:QuickGelu':
      return { id: 'swish', parameters: { beta: floatAttribute(node, 'alpha', 1.702) } };
    case 'PRelu': {
      const slope = scalarOf(constants.get(node.inputs[1] ?? ''));
      return slope === undefined ? undefined : { id: 'prelu', parameters: { slope } };
    }
    default: {
      const id = byAttributes[operator];
      return id === undefined ? undefined : { id, parameters: attributesOf(node, id) };
    }
  }
}

/** The parameters of an entry as a node's attributes give them. */
function attributesOf(node: GraphNode, entry: string): Record<string, number> {
  const parameters = activationCatalogue.get(entry)?.parameters ?? [];
  return Object.fromEntries(
    parameters.map(({ name, default: fallback }) => [
      name,
      floatAttribute(node, attributeNames[`${node.opType}.${name}`] ?? name, fallback),
    ]),
  );
}

/** Returns a constant operand of one element as an expression. */
export function readConstant(constant: Constant | undefined): Expression | undefined {
  const value = scalarOf(constant);
  return value === undefined ? undefined : number(value);
}
