import assert from 'node:assert/strict';
import { UserError } from '../../../src/base/errors.js';
import type { Model } from '../../../src/onnx/model.js';
import { convertToOpset17 } from '../../../src/onnx/opsets/convert.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { createRandom } from '../../../src/base/random.js';
import { oldModel } from '../../support/oldModel.js';

const x = normalTensor(createRandom(1), [2, 3, 4]);

function thrownBy(model: Model): UserError {
  try {
    convertToOpset17(model);
  } catch (error) {
    assert.ok(error instanceof UserError);
    return error;
  }
  throw new Error('It was converted.');
}

describe('convertToOpset17', () => {
  it('returns models of opset 17 and newer as they are', () => {
    for (const opset of [17, 18, 21]) {
      const { model } = oldModel({ opset, op: 'Relu', inputs: [x] });
      assert.equal(convertToOpset17(model), model);
    }
  });

  it('refuses opsets before 6 and says what to do', () => {
    const error = thrownBy(oldModel({ opset: 5, op: 'Relu', inputs: [x] }).model);
    assert.equal(error.code, 'opset-too-old');
    assert.match(error.message, /opset 5 .* oldest .* 6\. Export/u);
  });

  it('names the operator, node and opset of what has no equivalent', () => {
    const attributes = { coordinate_transformation_mode: 'tf_half_pixel_for_nn', mode: 'linear' };
    const error = thrownBy(oldModel({ opset: 11, op: 'Resize', inputs: [x], attributes }).model);
    assert.equal(error.code, 'opset-not-convertible');
    assert.deepEqual(error.detail, { operator: 'Resize', node: 'node', opset: 11 });
  });

  it('leaves nodes alone that mean the same at opset 17', () => {
    const { model } = oldModel({ opset: 9, op: 'Relu', inputs: [x] });
    assert.deepEqual(convertToOpset17(model).graph.nodes, model.graph.nodes);
  });

  it('keeps one Softmax where the flattened axes are one axis', () => {
    const softmax = (opset: number, ...shape: number[]): Model =>
      oldModel({ opset, op: 'Softmax', inputs: [normalTensor(createRandom(1), shape)] }).model;
    assert.deepEqual(
      convertToOpset17(softmax(9, 2, 5, 1, 1)).graph.nodes.map((node) => [
        node.opType,
        node.attributes.get('axis'),
      ]),
      [['Softmax', { kind: 'int', value: 1n }]],
    );
    assert.deepEqual(
      convertToOpset17(softmax(9, 2, 5, 3)).graph.nodes.map((node) => node.opType),
      ['Shape', 'Flatten', 'Softmax', 'Reshape'],
    );
  });

  it('drops outputs of BatchNormalization that nothing reads, and refuses those that are gone', () => {
    const channel = normalTensor(createRandom(1), [3]);
    const { model } = oldModel({
      opset: 9,
      op: 'BatchNormalization',
      inputs: [x, channel, channel, channel, channel],
      outputCount: 5,
    });
    const withOutputs = (...indices: number[]): Model => {
      const outputs = indices.map((i) => model.graph.outputs[i]!);
      return { ...model, graph: { ...model.graph, outputs } };
    };
    assert.deepEqual(convertToOpset17(withOutputs(0)).graph.nodes[0]?.outputs, ['out0']);
    const [training] = convertToOpset17(withOutputs(0, 1)).graph.nodes;
    assert.deepEqual(training?.attributes.get('training_mode'), { kind: 'int', value: 1n });
    assert.equal(thrownBy(withOutputs(0, 3)).code, 'opset-not-convertible');
  });

  it('refuses broadcasting along an axis where the ranks are unknown', () => {
    const { model } = oldModel({
      opset: 6,
      op: 'Add',
      inputs: [x, x],
      attributes: { broadcast: 1, axis: 1 },
    });
    const inputs = model.graph.inputs.map((input) => ({ ...input, type: { kind: 'unknown' } as const }));
    const error = thrownBy({ ...model, graph: { ...model.graph, inputs } });
    assert.deepEqual(error.detail, { operator: 'Add', node: 'node', opset: 6 });
  });

  it('keeps the names of nodes and outputs', () => {
    const attributes = { axes: [0] };
    const { model } = oldModel({ opset: 8, op: 'Unsqueeze', inputs: [x], attributes });
    const [node] = convertToOpset17(model).graph.nodes;
    assert.equal(node?.name, 'node');
    assert.deepEqual(node.outputs, ['out0']);
  });

  it('makes inputs that stand for initializers plain constants, and raises the IR version', () => {
    const { model } = oldModel({ opset: 8, op: 'Add', inputs: [x, { constant: x }] });
    const weight = { name: 'in1', type: floatType(2, 3, 4), metadata: new Map() };
    const graph = { ...model.graph, inputs: [...model.graph.inputs, weight] };
    const converted = convertToOpset17({ ...model, irVersion: 3, graph });
    assert.deepEqual(
      converted.graph.inputs.map((input) => input.name),
      ['in0'],
    );
    assert.equal(converted.irVersion, 8);
  });

  it('keeps overridable initializers of newer files overridable', () => {
    const { model } = oldModel({ opset: 8, op: 'Add', inputs: [x, { constant: x }] });
    const weight = { name: 'in1', type: floatType(2, 3, 4), metadata: new Map() };
    const graph = { ...model.graph, inputs: [...model.graph.inputs, weight] };
    assert.equal(convertToOpset17({ ...model, irVersion: 4, graph }).graph.inputs.length, 2);
  });

  it('lets a model without ai.onnx operators import opset 17', () => {
    const model = { ...emptyModel(), opsets: new Map([['ai.onnx.ml', 1]]) };
    assert.deepEqual(
      [...convertToOpset17(model).opsets],
      [
        ['ai.onnx.ml', 1],
        ['', 17],
      ],
    );
  });
});
