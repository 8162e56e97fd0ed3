import { type DataType, dataTypeFacts, dataTypeOfCode } from '../dataTypes.js';
import { intAttribute } from '../model.js';
import { elementCountOf } from '../tensorValue.js';
import { broadcastShapes, concreteShape, product, quotient, sum } from './dimensions.js';
import { type Entry, type KnownValue, maxKnownElements } from './facts.js';
import { elementOf, type NodeView } from './rule.js';

// Constant folding of the tensors that shapes are made of. Entries may be names; only products, quotients, sums with
// zero and copies keep those.

type Operation = (entries: readonly Entry[], type: DataType) => Entry;

function numeric(operation: (...numbers: number[]) => number): Operation {
  return (entries) => {
    const numbers = entries.filter((entry) => typeof entry === 'number');
    return numbers.length === entries.length ? operation(...numbers) : null;
  };
}

function comparing(operation: (a: number, b: number) => boolean): Operation {
  return numeric((a = NaN, b = NaN) => Number(operation(a, b)));
}

const first: Operation = ([entry = null]) => entry;

function folded(operation: (a: Entry, b: Entry) => Entry): Operation {
  return ([head = null, ...rest]) => rest.reduce<Entry>((a, b) => operation(a, b), head);
}

const subtract: Operation = ([a = null, b = null]) => {
  if (b === 0) return a;
  if (typeof a === 'string' && a === b) return 0;
  return typeof a === 'number' && typeof b === 'number' ? a - b : null;
};

const divide: Operation = ([a = null, b = null], type) => {
  if (typeof a !== 'number' || typeof b !== 'number') return quotient(a, b);
  if (dataTypeFacts(type).isFloat) return a / b;
  return b === 0 ? null : Math.trunc(a / b);
};

const select: Operation = ([condition = null, a = null, b = null]) => {
  if (typeof condition === 'number') return condition === 0 ? b : a;
  return a === b ? a : null;
};

const equal: Operation = ([a = null, b = null]) => {
  if (typeof a === 'string' && a === b) return 1;
  // A named size is never negative: exporters compare with −1.
  if ((typeof a === 'number' && a < 0) || (typeof b === 'number' && b < 0)) {
    if (typeof a === 'string' || typeof b === 'string') return 0;
  }
  return typeof a === 'number' && typeof b === 'number' ? Number(a === b) : null;
};

function roundHalfToEven(x: number): number {
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

const operations: Readonly<Record<string, Operation>> = {
  Abs: numeric((a = NaN) => Math.abs(a)),
  Add: folded(sum),
  And: numeric((a = NaN, b = NaN) => a * b),
  Cast: first,
  CastLike: first,
  Ceil: numeric((a = NaN) => Math.ceil(a)),
  Div: divide,
  Equal: equal,
  Floor: numeric((a = NaN) => Math.floor(a)),
  Greater: comparing((a, b) => a > b),
  GreaterOrEqual: comparing((a, b) => a >= b),
  Identity: first,
  Less: comparing((a, b) => a < b),
  LessOrEqual: comparing((a, b) => a <= b),
  Max: numeric((...all) => Math.max(...all)),
  Min: numeric((...all) => Math.min(...all)),
  Mod: numeric((a = NaN, b = NaN) => (b === 0 ? NaN : a - Math.floor(a / b) * b)),
  Mul: folded((a, b) => (isWhole(a) && isWhole(b) ? product([a, b]) : scaled(a, b))),
  Neg: numeric((a = NaN) => -a),
  Not: numeric((a = NaN) => 1 - a),
  Or: numeric((a = NaN, b = NaN) => Math.max(a, b)),
  Reciprocal: numeric((a = NaN) => 1 / a),
  Round: numeric((a = NaN) => roundHalfToEven(a)),
  Sign: numeric((a = NaN) => Math.sign(a)),
  Sqrt: numeric((a = NaN) => Math.sqrt(a)),
  Sub: subtract,
  Where: select,
};

// Names stand for whole numbers, so only whole factors keep them.
function isWhole(entry: Entry): boolean {
  return typeof entry !== 'number' || Number.isInteger(entry);
}

function scaled(a: Entry, b: Entry): Entry {
  return typeof a === 'number' && typeof b === 'number' ? a * b : null;
}

/** Returns the elements of an element by element operator's output when its inputs are small and known. */
export function computed(view: NodeView): KnownValue | undefined {
  const operation = operations[view.node.opType];
  if (operation === undefined || isOldBroadcast(view)) return undefined;
  const values: KnownValue[] = [];
  const used = view.node.opType === 'CastLike' ? view.inputs.slice(0, 1) : view.inputs;
  for (const input of used) {
    if (input?.value === undefined) return undefined;
    values.push(input.value);
  }
  const dims = concreteShape(broadcastShapes(values.map((value) => value.dims)));
  if (dims === undefined || elementCountOf(dims) > maxKnownElements) return undefined;
  return { dims, entries: elementwise(operation, values, { dims, view }) };
}

function elementwise(
  operation: Operation,
  values: readonly KnownValue[],
  { dims, view }: { readonly dims: readonly number[]; readonly view: NodeView },
): Entry[] {
  const operandType = elementOf(view, view.node.opType === 'Where' ? 1 : 0);
  const resultType = resultTypeOf(view, operandType);
  const stretched = values.map((value) => stretch(value, dims));
  return Array.from({ length: elementCountOf(dims) }, (_, i) =>
    rounded(
      operation(
        stretched.map((entries) => entries[i] ?? null),
        operandType,
      ),
      resultType,
    ),
  );
}

function isOldBroadcast({ node, opset, inputs }: NodeView): boolean {
  return node.domain === '' && opset < 7 && inputs.length === 2;
}

function resultTypeOf(view: NodeView, operandType: DataType): DataType {
  if (view.node.opType === 'Cast') return dataTypeOfCode(intAttribute(view.node, 'to', 0));
  return view.node.opType === 'CastLike' ? elementOf(view, 1) : operandType;
}

function rounded(entry: Entry, type: DataType): Entry {
  if (typeof entry !== 'number') return entry;
  if (type === 'float32') return Math.fround(entry);
  if (type === 'bool') return entry === 0 ? 0 : 1;
  if (dataTypeFacts(type).isFloat) return type === 'float64' ? entry : null;
  return Number.isFinite(entry) ? Math.trunc(entry) : null;
}

/** Returns the entries of a value repeated to a shape that it broadcasts to. */
export function stretch(value: KnownValue, dims: readonly number[]): readonly Entry[] {
  const count = elementCountOf(dims);
  if (count === value.entries.length) return value.entries;
  const offset = dims.length - value.dims.length;
  return Array.from({ length: count }, (_, flat) => {
    let rest = flat;
    let index = 0;
    let stride = 1;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const size = dims[axis] ?? 1;
      const own = value.dims[axis - offset] ?? 1;
      if (axis >= offset) {
        index += own === 1 ? 0 : (rest % size) * stride;
        stride *= own;
      }
      rest = Math.floor(rest / size);
    }
    return value.entries[index] ?? null;
  });
}

/** Returns the entries `index` picks along the only axis of a known list, or the entry itself for a scalar index. */
export function take(value: KnownValue, index: KnownValue): KnownValue | undefined {
  if (value.dims.length !== 1 || index.dims.length > 1) return undefined;
  const length = value.entries.length;
  const entries = index.entries.map((at) =>
    typeof at === 'number' ? (value.entries[at < 0 ? at + length : at] ?? null) : null,
  );
  return { dims: index.dims, entries };
}

/** Returns a known value of a new shape whose element at an index is the given one at the index that `source` names. */
export function rearranged(
  value: KnownValue,
  dims: readonly number[],
  source: (index: readonly number[]) => readonly number[],
): KnownValue {
  const entries = Array.from({ length: elementCountOf(dims) }, (_, flat) => {
    const from = source(indexAt(flat, dims));
    const place = from.reduce((sum, at, axis) => sum * (value.dims[axis] ?? 1) + at, 0);
    return value.entries[place] ?? null;
  });
  return { dims, entries };
}

function indexAt(flat: number, dims: readonly number[]): number[] {
  const index: number[] = [];
  let rest = flat;
  for (const size of dims.toReversed()) {
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return index;
}
