import type { Random } from '../../src/base/random.js';
import type { Model } from '../../src/onnx/model.js';

/** A sample model: how it is built and trained. */
export interface Sample {
  readonly name: string;
  readonly description: string;
  readonly seed: number;
  readonly learningRate: number;
  readonly batchSize: number;
  readonly epochCount: number;
  /** Multiplies the learning rate by the share of training done. */
  readonly schedule?: (fractionDone: number) => number;
  readonly scheduleText: string;
  build(random: Random): Model;
  /** The value before the softmax. */
  readonly logits: string;
}
