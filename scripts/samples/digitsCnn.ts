import { adam } from '../../src/engine/training/optimizers/adam.js';
import {
  finishNetwork,
  layConv,
  layFlatten,
  layLinear,
  layMaxPool,
  layRelu,
  startNetwork,
} from './network.js';
import { classifierSample } from './classifier.js';
import { mnistData } from './mnistData.js';

/** Two convolutions with ReLU and max-pool, two dense layers: 105,866 parameters. */
export const digitsCnn = classifierSample({
  name: 'digits-cnn',
  description: 'A small convolutional network that reads handwritten digits.',
  seed: 1,
  optimizer: adam(),
  learningRate: 2e-3,
  batchSize: 64,
  epochCount: 4,
  schedule: { kind: 'linear', final: 0.05 },
  scheduleText: 'linear, down to 5 %',
  data: mnistData,
  build(random) {
    const network = startNetwork('digits-cnn', [1, 28, 28], random);
    layConv(network, 'conv1', { in: 1, out: 16, size: 3 });
    layRelu(network, 'relu1');
    layMaxPool(network, 'pool1');
    layConv(network, 'conv2', { in: 16, out: 32, size: 3 });
    layRelu(network, 'relu2');
    layMaxPool(network, 'pool2');
    layFlatten(network, 'flatten');
    layLinear(network, 'fc1', { in: 32 * 7 * 7, out: 64 });
    layRelu(network, 'relu3');
    layLinear(network, 'fc2', { in: 64, out: 10 });
    return finishNetwork(network, 10);
  },
});
