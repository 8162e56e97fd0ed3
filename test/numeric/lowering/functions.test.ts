import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { checkGradients } from '../../../src/engine/gradients/checkGradients.js';
import { GraphBuilder, makeNode } from '../../../src/engine/graph/graphBuilder.js';
import type { FunctionDefinition, Model } from '../../../src/onnx/model.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import { bodyGraph, trip } from '../../support/controlFlowModels.js';
import { caseRuntime } from '../../support/gradientCase.js';
import { runGradient } from '../../support/gradientRun.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';

const domain = 'local';

/** f(x) = LeakyRelu(x · x + x, slope), the slope an attribute of the call. */
const definition: FunctionDefinition = {
  name: 'Bent',
  domain,
  overload: '',
  inputs: ['a'],
  outputs: ['b'],
  attributeNames: ['slope'],
  attributeDefaults: new Map(),
  nodes: [
    makeNode('Mul', ['a', 'a'], { outputs: ['square'] }),
    makeNode('Add', ['square', 'a'], { outputs: ['sum'] }),
    makeNode('LeakyRelu', ['sum'], {
      outputs: ['b'],
      attributes: { alpha: { kind: 'ref', name: 'slope', attributeType: 1 } },
    }),
  ],
  opsets: new Map([['', 17]]),
  valueInfo: new Map(),
  metadata: new Map(),
};

/** Two calls, one after the other, with slopes of their own. */
function calledTwice(): Model {
  const empty = emptyModel();
  const opsets = new Map([...empty.opsets, [domain, 1]]);
  const builder = new GraphBuilder({ ...empty, opsets, functions: [definition] });
  builder.addInput('x', floatType(2, 5));
  const call = (value: string, slope: number, output: string): string =>
    builder.node('Bent', [value], {
      domain,
      outputs: [output],
      attributes: { slope: { kind: 'float', value: slope } },
    });
  call(call('x', 0.5, 'inner'), 0.25, 'y');
  builder.addOutput('y');
  return builder.build();
}

/**
 * g(x, flag) = k · x² if flag, else −x, twice over, in a Loop: the factor is an attribute of the call, read in a branch, and
 * both bodies capture what the function defines.
 */
const branching: FunctionDefinition = {
  ...definition,
  name: 'Branching',
  inputs: ['a', 'flag'],
  attributeNames: ['factor'],
  nodes: [
    makeNode('Identity', ['a'], { outputs: ['start'] }),
    makeNode('Constant', [], { outputs: ['twice'], attributes: { value_int: 2 } }),
    makeNode('Loop', ['twice', '', 'start'], {
      outputs: ['b'],
      attributes: {
        body: bodyGraph({ ...trip, h: { kind: 'tensor', elementType: 'float32', shape: null } }, (inner) => {
          const then_branch = bodyGraph({}, (branch) => {
            const factor = { kind: 'ref', name: 'factor', attributeType: 1 } as const;
            branch.node('Constant', [], { outputs: ['k'], attributes: { value_float: factor } });
            return [
              branch.node('Mul', [branch.node('Mul', ['h', 'h'], { outputs: ['hh'] }), 'k'], {
                outputs: ['bent'],
              }),
            ];
          });
          const else_branch = bodyGraph({}, (branch) => [branch.node('Neg', ['h'], { outputs: ['turned'] })]);
          const attributes = { then_branch, else_branch };
          const next = inner.node('If', ['flag'], { outputs: ['next'], attributes });
          return [inner.node('Identity', ['go'], { outputs: ['on'] }), next];
        }),
      },
    }),
  ],
};

/** g(g(x, true), false) = g(g(x, true)), for −(−y) = y. */
function branchingModel(): Model {
  const empty = emptyModel();
  const opsets = new Map([...empty.opsets, [domain, 1]]);
  const builder = new GraphBuilder({ ...empty, opsets, functions: [branching] });
  builder.addInput('x', floatType(2, 5));
  const call = (value: string, flag: boolean, output: string): string => {
    const condition = { dtype: 'bool', dims: [], data: Uint8Array.of(flag ? 1 : 0) } as const;
    return builder.node('Branching', [value, builder.constant(condition)], {
      domain,
      outputs: [output],
      attributes: { factor: { kind: 'float', value: 0.5 } },
    });
  };
  call(call('x', true, 'inner'), false, 'y');
  builder.addOutput('y');
  return builder.build();
}

describe('gradients through the functions of a model', () => {
  const x = normalTensor(createRandom(3), [2, 5]);

  it('follow the body of every call', async () => {
    const cotangent = normalTensor(createRandom(4), [2, 5]);
    const { gradient } = await runGradient(calledTwice(), { feeds: { x }, output: 'y', cotangent, wrt: 'x' });
    const f = (a: number, slope: number): number => (a * a + a > 0 ? a * a + a : slope * (a * a + a));
    const df = (a: number, slope: number): number => (a * a + a > 0 ? 2 * a + 1 : slope * (2 * a + 1));
    const u = toFloat64(cotangent);
    toFloat64(x).forEach((a, i) => {
      const expected = u[i]! * df(f(a, 0.5), 0.25) * df(a, 0.5);
      assert.ok(Math.abs(gradient[i]! - expected) <= 1e-5 * Math.max(1, Math.abs(expected)), `element ${i}`);
    });
  });

  it('follow branches and loops inside a body, with the attributes of the call', async () => {
    const cotangent = normalTensor(createRandom(4), [2, 5]);
    const run = { feeds: { x }, output: 'y', cotangent, wrt: 'x' };
    const { gradient } = await runGradient(branchingModel(), run);
    const u = toFloat64(cotangent);
    // ½·(½·a²)² = a⁴/8
    toFloat64(x).forEach((a, i) => {
      const expected = (u[i]! * a ** 3) / 2;
      assert.ok(Math.abs(gradient[i]! - expected) <= 1e-5 * Math.max(1, Math.abs(expected)), `element ${i}`);
    });
  });

  it('pass gradient-check', async () => {
    const { rows } = await checkGradients(calledTwice(), caseRuntime, { feeds: { x }, seed: 1 });
    assert.deepEqual(
      rows.map(({ operator, status }) => [operator, status]),
      [
        ['local:Bent', 'passed'],
        ['(whole model)', 'passed'],
      ],
    );
  });
});
