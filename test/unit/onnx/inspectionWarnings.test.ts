import assert from 'node:assert/strict';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { inspectionWarnings } from '../../../src/onnx/inspectionWarnings.js';
import type { Model } from '../../../src/onnx/model.js';
import { emptyModel, floatType } from '../../support/modelBuilder.js';

function modelOf(build: (builder: GraphBuilder) => string, opset = 17): Model {
  const builder = new GraphBuilder(emptyModel(opset));
  builder.addInput('x', floatType('N', 4));
  builder.addOutput(build(builder));
  return builder.build();
}

function warningsOf(build: (builder: GraphBuilder) => string, opset = 17): string[] {
  return inspectionWarnings(modelOf(build, opset), new Map());
}

describe('warnings of an inspection', () => {
  it('are none for an ordinary model', () => {
    assert.deepEqual(
      warningsOf((b) => b.node('Relu', [b.node('Dropout', ['x'])])),
      [],
    );
  });

  it('name Dropout and BatchNormalization left in training mode', () => {
    const dropout = (b: GraphBuilder, isTraining: boolean): string =>
      b.node(
        'Dropout',
        ['x', '', b.constant({ dtype: 'bool', dims: [], data: new Uint8Array([isTraining ? 1 : 0]) })],
        { name: 'drop' },
      );
    const [warning] = warningsOf((b) => dropout(b, true));
    assert.match(warning ?? '', /Dropout is left in training mode.*drop/);
    assert.deepEqual(
      warningsOf((b) => dropout(b, false)),
      [],
    );
    const [norm] = warningsOf((b) =>
      b.node('BatchNormalization', ['x', 'x', 'x', 'x', 'x'], { attributes: { training_mode: 1 } }),
    );
    assert.match(norm ?? '', /BatchNormalization is left in training mode/);
    const old = (isTest: number): string[] =>
      warningsOf((b) => b.node('Dropout', ['x'], { attributes: { is_test: isTest } }), 6);
    assert.equal(old(1).length, 0);
    assert.match(old(0)[0] ?? '', /Dropout/);
  });

  it('tell opsets that are too old or too new', () => {
    const relu = (b: GraphBuilder): string => b.node('Relu', ['x']);
    assert.match(warningsOf(relu, 5)[0] ?? '', /opset 5, older than 6/);
    assert.match(warningsOf(relu, 99)[0] ?? '', /opset 99, newer than/);
    const without = { ...modelOf(relu), opsets: new Map<string, number>() };
    assert.match(inspectionWarnings(without, new Map())[0] ?? '', /does not say which opset/);
  });

  it('name operators and domains that are not known, but not the model’s own functions', () => {
    assert.match(warningsOf((b) => b.node('Relux', ['x']))[0] ?? '', /not known.*Relux/);
    const foreign = modelOf((b) => b.node('Fancy', ['x'], { domain: 'org.example' }));
    assert.match(inspectionWarnings(foreign, new Map())[0] ?? '', /domain "org.example".*Fancy/);
    const definition = {
      ...{ name: 'Fancy', domain: 'org.example', overload: '', inputs: ['a'], outputs: ['a'] },
      ...{ attributeNames: [], attributeDefaults: new Map(), nodes: [], opsets: new Map() },
      ...{ valueInfo: new Map(), metadata: new Map() },
    };
    assert.deepEqual(inspectionWarnings({ ...foreign, functions: [definition] }, new Map()), []);
  });

  it('name outputs that nothing makes, and pass on what reading noticed', () => {
    const model = modelOf(() => 'nowhere');
    const [first, second] = inspectionWarnings({ ...model, warnings: ['Weights are missing.'] }, new Map());
    assert.equal(first, 'Weights are missing.');
    assert.match(second ?? '', /output "nowhere"/);
  });
});
