import type { Random } from '../../src/base/random.js';
import { adamW } from '../../src/engine/training/optimizers/adam.js';
import type { Model } from '../../src/onnx/model.js';
import { classifierSample, type ImageData } from './classifier.js';
import { readFashion } from './images.js';
import {
  finishNetwork,
  layBatchNorm,
  layConv,
  layFlatten,
  layGlobalPool,
  layLinear,
  layOperator,
  layRelu,
  laySigmoid,
  type Network,
  startNetwork,
} from './network.js';

/** Pictures of clothes. */
const fashionData: ImageData = {
  title: 'Fashion-MNIST',
  name: 'fashion',
  from: "Debian's package dataset-fashion-mnist",
  read: readFashion,
  committedCount: 3200,
};

/** A stem and three residual blocks with BatchNorm and squeeze-and-excitation. */
export const fashionCnn = classifierSample({
  name: 'fashion-cnn',
  description: 'A small residual network with squeeze-and-excitation that tells clothes apart.',
  seed: 1,
  optimizer: adamW({ weightDecay: 0.02 }),
  learningRate: 4e-3,
  batchSize: 128,
  epochCount: 2,
  schedule: { kind: 'cosine', warmUpSteps: 100, final: 0.01 },
  scheduleText: 'warm-up over 100 steps, then cosine, down to 1 %',
  labelSmoothing: 0.05,
  recipe: { weightDecay: 0.02, labelSmoothing: 0.05 },
  data: fashionData,
  build,
});

/** Lays the untrained network. */
function build(random: Random): Model {
  const network = startNetwork('fashion-cnn', [1, 28, 28], random);
  layConv(network, 'stem.conv', { in: 1, out: 16, size: 3, stride: 2, bias: false });
  layBatchNorm(network, 'stem.bn', 16);
  layRelu(network, 'stem.relu');
  layResidual(network, 'block1', { in: 16, out: 16, stride: 1 });
  layResidual(network, 'block2', { in: 16, out: 32, stride: 2 });
  layResidual(network, 'block3', { in: 32, out: 64, stride: 1 });
  layGlobalPool(network, 'pool');
  layFlatten(network, 'flatten');
  layLinear(network, 'fc', { in: 64, out: 10 });
  return finishNetwork(network, 10);
}

interface BlockShape {
  readonly in: number;
  readonly out: number;
  readonly stride: number;
}

/** relu(shortcut(x) + se(bn2(conv2(relu1(bn1(conv1(x))))))). */
function layResidual(network: Network, name: string, shape: BlockShape): void {
  const entering = network.value;
  layConv(network, `${name}.conv1`, { ...shape, size: 3, bias: false });
  layBatchNorm(network, `${name}.bn1`, shape.out);
  layRelu(network, `${name}.relu1`);
  layConv(network, `${name}.conv2`, { in: shape.out, out: shape.out, size: 3, bias: false });
  layBatchNorm(network, `${name}.bn2`, shape.out);
  laySqueezeExcitation(network, `${name}.se`, shape.out);
  const branch = network.value;
  network.value = entering;
  if (shape.in !== shape.out || shape.stride !== 1) {
    layConv(network, `${name}.shortcut.conv`, { ...shape, size: 1, bias: false });
    layBatchNorm(network, `${name}.shortcut.bn`, shape.out);
  }
  layOperator(network, { opType: 'Add', name }, [branch]);
  layRelu(network, `${name}.relu2`);
}

/** x · sigmoid(fc2(relu(fc1(mean of x)))), the dense layers as 1 × 1 convolutions. */
function laySqueezeExcitation(network: Network, name: string, channels: number): void {
  const entering = network.value;
  const inner = channels / 4;
  layGlobalPool(network, `${name}.pool`);
  layConv(network, `${name}.fc1`, { in: channels, out: inner, size: 1 });
  layRelu(network, `${name}.relu`);
  layConv(network, `${name}.fc2`, { in: inner, out: channels, size: 1 });
  laySigmoid(network, `${name}.gate`);
  layOperator(network, { opType: 'Mul', name }, [entering]);
}
