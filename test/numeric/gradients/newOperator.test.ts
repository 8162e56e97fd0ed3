import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../../../src/base/random.js';
import { checkGradients } from '../../../src/engine/gradients/checkGradients.js';
import { differentiate } from '../../../src/engine/gradients/differentiate.js';
import { emitterFor } from '../../../src/engine/gradients/emitter.js';
import type { GradientRule } from '../../../src/engine/gradients/gradientRule.js';
import { coverageOf } from '../../../src/engine/gradients/operatorCoverage.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { float32Tensor } from '../../../src/onnx/tensorValue.js';
import { caseRuntime } from '../../support/gradientCase.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { rootDir } from '../../support/paths.js';

// docs/engine.md says how an operator is added in ten minutes: the way is walked here with one that no table has.

const domain = 'com.microsoft';

/** Gradient of Inverse: X·Y = I, so dX = −Yᵀ·G·Yᵀ. */
const inverseRule: GradientRule = {
  opType: 'Inverse',
  domain,
  opsets: [1, 26],
  backward(context) {
    const [g] = context.outputCotangents;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const turned = emit.transpose(context.node.outputs[0] ?? '', [0, 2, 1]);
    return [emit.neg(emit.node('MatMul', [emit.node('MatMul', [turned, g]), turned]))];
  },
};

function inverseModel(): Model {
  const empty = emptyModel();
  const builder = new GraphBuilder({ ...empty, opsets: new Map([...empty.opsets, [domain, 1]]) });
  builder.addInput('x', floatType('N', 3, 3));
  builder.node('Inverse', ['x'], { domain, outputs: ['y'] });
  builder.addOutput('y');
  return builder.build();
}

describe('an operator in ten minutes', () => {
  it('has a page whose files exist and whose steps have the commands', () => {
    const page = readFileSync(join(rootDir, 'docs', 'engine.md'), 'utf8');
    const start = page.indexOf('## An operator in ten minutes');
    assert.ok(start > 0);
    const part = page.slice(start, page.indexOf('\n## ', start + 1));
    const files = [...part.matchAll(/`((?:src|test|docs)\/[\w/.-]+)`/gu)].map((match) => match[1] ?? '');
    assert.ok(files.length >= 8, `${files.length} files`);
    for (const file of files) assert.ok(existsSync(join(rootDir, file)), file);
    const { scripts } = JSON.parse(readFileSync(join(rootDir, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    for (const [, name = ''] of part.matchAll(/npm run ([\w-]+)/gu)) assert.ok(name in scripts, name);
  });

  it('needs a rule of a dozen lines, which gradient-check then passes', async () => {
    const model = inverseModel();
    const random = createRandom(3);
    // Well away from a matrix without an inverse.
    const noise = normalTensor(random, [2, 3, 3], 0.3).data as Float32Array;
    const x = float32Tensor(
      noise.map((value, i) => value + (i % 9 === 0 || i % 9 === 4 || i % 9 === 8 ? 2 : 0)),
      [2, 3, 3],
    );
    const options = { feeds: { x }, seed: 1 };
    const without = await checkGradients(model, caseRuntime, options);
    assert.equal(without.rows[0]?.status, 'no-rule');
    const { rows } = await checkGradients(model, caseRuntime, { ...options, rules: [inverseRule] });
    assert.deepEqual(
      rows.map(({ operator, status }) => [operator, status]),
      [
        ['com.microsoft:Inverse', 'passed'],
        ['(whole model)', 'passed'],
      ],
    );
  });

  it('emits nothing but what can be differentiated again', () => {
    const builder = new GraphBuilder(inverseModel());
    builder.addInput('u', floatType('N', 3, 3));
    const model = builder.build();
    const request = { seeds: [{ value: 'y', cotangent: 'u' }], wrt: ['x'], types: inferTypes(model) };
    const { graph } = differentiate(model, { ...request, rules: [inverseRule] }).model;
    for (const node of graph.nodes.slice(model.graph.nodes.length)) {
      const [coverage] = coverageOf(node.domain, node.opType);
      assert.ok(coverage?.kind === 'rule' || coverage?.kind === 'lowering', node.opType);
    }
  });
});
