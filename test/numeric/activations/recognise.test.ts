import assert from 'node:assert/strict';
import { compile } from '../../../src/activations/evaluate.js';
import { findActivations, type FoundActivation } from '../../../src/activations/recognise/findActivations.js';
import { matchActivation } from '../../../src/activations/recognise/matchActivation.js';
import { parseExpression } from '../../../src/activations/parse.js';
import { activationFunctions } from '../../../src/engine/interventions/activationFunctions.js';
import { graphViewsOf } from '../../../src/onnx/layers/graphView.js';
import { readSubgraph } from '../../../src/activations/recognise/readSubgraph.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { layersOf } from '../../../src/onnx/layers/layerTable.js';
import type { Model } from '../../../src/onnx/model.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import {
  activationModel,
  decomposedActivations,
  operatorActivations,
  type PlantedActivation,
} from '../../support/plantedActivations.js';

function assertRecognised(model: Model, planted: readonly PlantedActivation[]): FoundActivation[] {
  const found = findActivations(layersOf(model));
  assert.deepEqual(
    found.map(({ match }) => match?.entry.id),
    planted.map(({ entry }) => entry),
  );
  for (const [index, { entry, parameters }] of planted.entries()) {
    const fitted = found[index]!.match!.parameters;
    assert.equal(fitted.length, parameters.length, entry);
    for (const [k, expected] of parameters.entries()) {
      assert.ok(Math.abs(fitted[k]! - expected) < 1e-5, `${entry}: ${fitted.join()}, ${parameters.join()}`);
    }
  }
  return found;
}

describe('finding activations in a model', function () {
  this.timeout(10_000);

  it('names every operator with the parameters of its attributes, and reads it as the runtime computes it', async () => {
    const model = activationModel(operatorActivations);
    const found = assertRecognised(model, operatorActivations);
    const builder = new GraphBuilder(model);
    for (const { input, output } of found) for (const name of [input, output]) builder.addOutput(name);
    const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(builder.build());
    const values = await session.run({ x: normalTensor(createRandom(9), [16, 4], 3) });
    await session.close();
    for (const { match, expression, input, output } of found) {
      const function_ = compile(expression!, []);
      const [entering, leaving] = [toFloat64(values[input]!), toFloat64(values[output]!)];
      for (const [i, x] of entering.entries()) {
        const expected = function_(x, []);
        assert.ok(
          Math.abs(leaving[i]! - expected) <= 4e-6 * (1 + Math.abs(expected)),
          `${match!.entry.id} at ${x}: ${leaving[i]}, ${expected}`,
        );
      }
    }
  });

  it('names activations that are written out, all nodes of each, with their parameters to 1e-5', () => {
    const model = activationModel(decomposedActivations);
    const found = assertRecognised(model, decomposedActivations);
    assert.deepEqual(
      found.map(({ input }) => input),
      decomposedActivations.map((_, i) => `fc${i + 1}_out`),
    );
    const operators = found.flatMap(({ nodes }) => nodes.length);
    const planted = model.graph.nodes.filter(({ name }) => name.startsWith('/act')).length;
    assert.equal(
      operators.reduce((sum, count) => sum + count, 0),
      planted,
    );
  });

  it('knows the functions that interventions put in an activation’s place by the same names', () => {
    const names: Readonly<Record<string, string>> = { abs: 'absolute', identity: '', square: '' };
    for (const [name, append] of Object.entries(activationFunctions)) {
      const builder = new GraphBuilder(emptyModel());
      const x = builder.addInput('x', floatType('N', 2));
      const output = append(builder, x, (value: number) => builder.scalar(value));
      const [view] = graphViewsOf(builder.build());
      const read = readSubgraph(view!, { input: x, output });
      const match = read && matchActivation(read.expression);
      assert.equal(match?.entry.id ?? '', names[name] ?? name);
    }
  });

  it('takes the activation alone where what follows is no entry, and none where there is only arithmetic', () => {
    const scaledTanh: PlantedActivation = {
      entry: 'tanh',
      parameters: [],
      write: ({ op, scalar }, x) => op('Sub', [op('Mul', [op('Tanh', [x]), scalar(3)]), scalar(5)]),
    };
    const arithmetic: PlantedActivation = {
      entry: '',
      parameters: [],
      write: ({ op, scalar }, x) =>
        op('Add', [op('Mul', [op('Sqrt', [op('Abs', [x])]), scalar(2)]), scalar(1e-5)]),
    };
    const [only, ...more] = findActivations(layersOf(activationModel([scaledTanh, arithmetic])));
    assert.deepEqual([only?.match?.entry.id, only?.nodes.length, more], ['tanh', 1, []]);
  });

  it('says that a PReLU with slopes of its own for each unit is no function of one number', () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 4));
    const slopes = builder.constant(normalTensor(createRandom(1), [4]), 'act.weight');
    builder.node('PRelu', ['x', slopes], { outputs: ['y'], name: '/act/PRelu' });
    builder.addOutput('y', floatType('N', 4));
    const [found] = findActivations(layersOf(builder.build()));
    assert.equal(found?.match, undefined);
    assert.match(found?.reason ?? '', /slope of its own/);
  });

  it('calls no function by the name of another that is near, nor a straight line by any', () => {
    assert.equal(matchActivation(parseExpression('x * sigmoid(x) + 0.0001')), undefined);
    assert.equal(matchActivation(parseExpression('tanh(x) + 0.01 * sin(x)')), undefined);
    assert.equal(matchActivation(parseExpression('3 * x - 2')), undefined);
  });
});
