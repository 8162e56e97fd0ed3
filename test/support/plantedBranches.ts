import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, int64Tensor } from '../../src/onnx/tensorValue.js';
import { bodyGraph, tensorType, trip } from './controlFlowModels.js';
import { emptyModel } from './modelBuilder.js';

/**
 * y by branches that the sum and the maximum of x choose, then `count` times added to itself: what `branchesByHand` says in words.
 *
 * The branch of `inner` is nested in that of `outer`; both capture x and a constant of the main graph, and the loop's count is a
 * constant that the host has to be handed.
 */
export function branchingModel(count = 3): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', tensorType('float32', 'N', 2));
  const ten = builder.constant(float32Tensor([10], []), 'ten');
  const zero = builder.constant(float32Tensor([0], []), 'zero');
  const three = builder.constant(float32Tensor([3], []), 'three');
  const sum = builder.node('ReduceSum', ['x'], { attributes: { keepdims: 0 }, outputs: ['sum'] });
  const isPositive = builder.node('Greater', [sum, zero], { outputs: ['isPositive'] });
  const inner = {
    then_branch: bodyGraph({}, (body) => [body.node('Mul', ['x', ten], { outputs: ['large'] })]),
    else_branch: bodyGraph({}, (body) => [body.node('Add', ['doubled', ten], { outputs: ['small'] })]),
  };
  const outer = {
    then_branch: bodyGraph({}, (body) => {
      body.node('Add', ['x', 'x'], { outputs: ['doubled'] });
      body.node('ReduceMax', ['x'], { attributes: { keepdims: 0 }, outputs: ['most'] });
      body.node('Greater', ['most', three], { outputs: ['isLarge'] });
      return [body.node('If', ['isLarge'], { attributes: inner, outputs: ['chosen'], name: 'inner' })];
    }),
    else_branch: bodyGraph({}, (body) => [body.node('Neg', ['x'], { outputs: ['negated'] })]),
  };
  builder.node('If', [isPositive], { attributes: outer, outputs: ['picked'], name: 'outer' });
  const repeats = builder.constant(int64Tensor([count], []), 'repeats');
  const body = bodyGraph({ ...trip, h: tensorType('float32', 'N', 2) }, (loop) => [
    loop.node('Identity', ['go'], { outputs: ['on'] }),
    loop.node('Add', ['h', 'picked'], { outputs: ['next'] }),
    loop.node('Mul', ['h', ten], { outputs: ['shown'] }),
  ]);
  builder.node('Loop', [repeats, '', 'picked'], {
    outputs: ['y', 'all'],
    attributes: { body },
    name: 'loop',
  });
  builder.addOutput('y', tensorType('float32', 'N', 2));
  builder.addOutput('all', tensorType('float32', count, 'N', 2));
  return builder.build();
}

/** Which way a sample goes: `outer` true or false, and `inner` where it is asked. */
export function branchesByHand([a = 0, b = 0]: readonly number[]): {
  readonly outer: boolean;
  readonly inner?: boolean;
  readonly picked: readonly number[];
} {
  if (a + b <= 0) return { outer: false, picked: [-a, -b] };
  if (Math.max(a, b) > 3) return { outer: true, inner: true, picked: [10 * a, 10 * b] };
  return { outer: true, inner: false, picked: [2 * a + 10, 2 * b + 10] };
}
