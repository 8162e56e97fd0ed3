import { adam } from '../../src/engine/training/optimizers/adam.js';
import { classifierSample } from './classifier.js';
import { mnistData } from './mnistData.js';
import { finishNetwork, layFlatten, layLinear, layRelu, startNetwork } from './network.js';

/** A dense network whose units died of a learning rate that is far too high for Adam: 242,762 parameters. */
export const dyingRelu = classifierSample({
  name: 'dying-relu',
  description: 'A dense digit reader trained with a learning rate so high that many of its units died.',
  seed: 1,
  optimizer: adam(),
  learningRate: 1e-2,
  batchSize: 64,
  epochCount: 3,
  schedule: { kind: 'constant' },
  scheduleText: 'constant',
  data: mnistData,
  build(random) {
    const network = startNetwork('dying-relu', [1, 28, 28], random);
    layFlatten(network, 'flatten');
    layLinear(network, 'fc1', { in: 784, out: 256 });
    layRelu(network, 'relu1');
    layLinear(network, 'fc2', { in: 256, out: 128 });
    layRelu(network, 'relu2');
    layLinear(network, 'fc3', { in: 128, out: 64 });
    layRelu(network, 'relu3');
    layLinear(network, 'fc4', { in: 64, out: 10 });
    return finishNetwork(network, 10);
  },
});
