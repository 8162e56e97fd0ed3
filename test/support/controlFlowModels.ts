import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { DataType } from '../../src/onnx/dataTypes.js';
import type { Attribute, Graph, Model, ValueType } from '../../src/onnx/model.js';
import { emptyModel } from './modelBuilder.js';

/** Returns a tensor type. */
export function tensorType(elementType: DataType, ...shape: (number | string)[]): ValueType {
  return { kind: 'tensor', elementType, shape };
}

/** Returns a body: its inputs are declared, the names that `write` returns are its outputs. */
export function bodyGraph(
  inputs: Readonly<Record<string, ValueType>>,
  write: (builder: GraphBuilder) => readonly string[],
): Attribute {
  const builder = new GraphBuilder(emptyModel());
  for (const [name, type] of Object.entries(inputs)) builder.addInput(name, type);
  for (const output of write(builder)) builder.addOutput(output);
  const graph: Graph = builder.build().graph;
  return { kind: 'graph', value: graph };
}

const real = 'float64';
/** What a Loop gives its body first. */
export const trip: Readonly<Record<string, ValueType>> = { i: tensorType('int64'), go: tensorType('bool') };

/** y = f(x) by a branch that depends on the data; both branches capture x and w, one also captures b. */
export function conditionalModel(type: 'float32' | 'float64' = real): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', tensorType(type, 'N', 3));
  builder.addInput('w', tensorType(type, 3, 3));
  builder.addInput('b', tensorType(type, 3));
  builder.addInput('flag', tensorType('bool'));
  const then_branch = bodyGraph({}, (inner) => {
    const product = inner.node('MatMul', ['x', 'w'], { outputs: ['product'] });
    const sum = inner.node('Add', [product, 'b'], { outputs: ['sum'] });
    return [inner.node('Tanh', [sum], { outputs: ['whenTrue'] }), product];
  });
  const else_branch = bodyGraph({}, (inner) => {
    const square = inner.node('Mul', ['x', 'x'], { outputs: ['square'] });
    const product = inner.node('MatMul', [square, 'w'], { outputs: ['otherProduct'] });
    return [inner.node('Sigmoid', [product], { outputs: ['whenFalse'] }), square];
  });
  builder.node('If', ['flag'], {
    outputs: ['y', 'z'],
    attributes: { then_branch, else_branch },
    name: 'choice',
  });
  builder.addOutput('y');
  builder.addOutput('z');
  return builder.build();
}

/** h ← tanh(h·w + x) for `count` times or until `limit` ends it; every h is an output too. */
export function loopModel(ending: 'count' | 'condition'): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', tensorType(real, 'N', 3));
  builder.addInput('h0', tensorType(real, 'N', 3));
  builder.addInput('w', tensorType(real, 3, 3));
  builder.addInput('count', tensorType('int64'));
  builder.addInput('limit', tensorType('int64'));
  const body = bodyGraph({ ...trip, h: tensorType(real, 'N', 3) }, (inner) => {
    const sum = inner.node('Add', [inner.node('MatMul', ['h', 'w'], { outputs: ['hw'] }), 'x'], {
      outputs: ['hwx'],
    });
    const next = inner.node('Tanh', [sum], { outputs: ['next'] });
    const on =
      ending === 'count'
        ? inner.node('Identity', ['go'], { outputs: ['on'] })
        : inner.node('Less', ['i', 'limit'], { outputs: ['on'] });
    const scaled = inner.node('Mul', ['h', 'x'], { outputs: ['hx'] });
    return [on, next, scaled];
  });
  builder.node('Loop', [ending === 'count' ? 'count' : '', '', 'h0'], {
    outputs: ['last', 'all'],
    attributes: { body },
    name: 'loop',
  });
  builder.addOutput('last');
  builder.addOutput('all');
  return builder.build();
}

/** A recurrence over the axis of x that `axis` names, forwards or backwards, with a second carried sum. */
export function scanModel(order: { readonly axis: number; readonly direction: number }): Model {
  const builder = new GraphBuilder(emptyModel());
  const steps = 4;
  builder.addInput('x', order.axis === 0 ? tensorType(real, steps, 2, 3) : tensorType(real, 2, steps, 3));
  builder.addInput('h0', tensorType(real, 2, 3));
  builder.addInput('w', tensorType(real, 3, 3));
  builder.addInput('s0', tensorType(real, 2, 3));
  const inputs = { h: tensorType(real, 2, 3), s: tensorType(real, 2, 3), xt: tensorType(real, 2, 3) };
  const body = bodyGraph(inputs, (inner) => {
    const turned = inner.node('Transpose', ['w'], { outputs: ['wT'], attributes: { perm: [1, 0] } });
    const product = inner.node('MatMul', ['h', turned], { outputs: ['hw'] });
    const next = inner.node('Tanh', [inner.node('Add', [product, 'xt'], { outputs: ['pre'] })], {
      outputs: ['next'],
    });
    const total = inner.node('Add', ['s', inner.node('Mul', ['next', 'next'], { outputs: ['square'] })], {
      outputs: ['total'],
    });
    const out = inner.node('Mul', ['next', 'h'], { outputs: ['out'] });
    return [next, total, out];
  });
  builder.node('Scan', ['h0', 's0', 'x'], {
    outputs: ['last', 'sum', 'all'],
    attributes: {
      body,
      num_scan_inputs: 1,
      scan_input_axes: [order.axis],
      scan_input_directions: [order.direction],
      scan_output_axes: [order.axis],
      scan_output_directions: [order.direction],
    },
    name: 'scan',
  });
  for (const name of ['last', 'sum', 'all']) builder.addOutput(name);
  return builder.build();
}

/** A Loop that runs an If, which captures from the body and from outside, inside every iteration. */
export function nestedModel(rows: number | string = 2): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', tensorType(real, rows, 3));
  builder.addInput('w', tensorType(real, 3, 3));
  builder.addInput('count', tensorType('int64'));
  const body = bodyGraph({ ...trip, h: tensorType(real, rows, 3) }, (inner) => {
    const two = inner.constant({ dtype: 'int64', dims: [], data: BigInt64Array.of(2n) }, 'two');
    const zero = inner.constant({ dtype: 'int64', dims: [], data: BigInt64Array.of(0n) }, 'zero');
    const rest = inner.node('Mod', ['i', two], { outputs: ['rest'] });
    const isEven = inner.node('Equal', [rest, zero], { outputs: ['isEven'] });
    const product = inner.node('MatMul', ['h', 'w'], { outputs: ['hw'] });
    const then_branch = bodyGraph({}, (branch) => [
      branch.node('Sin', [branch.node('Add', ['hw', 'x'], { outputs: ['evenSum'] })], { outputs: ['even'] }),
    ]);
    const else_branch = bodyGraph({}, (branch) => [
      branch.node('Mul', [branch.node('Tanh', ['hw'], { outputs: ['oddTanh'] }), 'h'], { outputs: ['odd'] }),
    ]);
    inner.node('If', [isEven], {
      outputs: [product === '' ? '' : 'next'],
      attributes: { then_branch, else_branch },
    });
    return [inner.node('Identity', ['go'], { outputs: ['on'] }), 'next'];
  });
  builder.node('Loop', ['count', '', 'x'], { outputs: ['y'], attributes: { body }, name: 'loop' });
  builder.addOutput('y');
  return builder.build();
}
