import type { GraphNode } from '../../onnx/model.js';
import { groupQueryAttention } from './attention/groupQuery.js';
import { multiHeadAttention, packedAttention } from './attention/multiHead.js';
import { onnxAttention } from './attention/onnxAttention.js';
import { deformConv } from './entries/deformConv.js';
import { einsum } from './entries/einsum.js';
import {
  embedLayerNormalization,
  skipLayerNormalization,
  skipSimplifiedLayerNormalization,
} from './entries/embedding.js';
import { fusedConv, fusedGemm, fusedMatMul, transposeMatMul } from './entries/fused.js';
import { gridSample } from './entries/gridSample.js';
import { negativeLogLikelihoodLoss, softmaxCrossEntropyLoss } from './entries/losses.js';
import { matMulNBits } from './entries/matMulNBits.js';
import { meanVarianceNormalization } from './entries/meanVariance.js';
import { maxRoiPool, roiAlign } from './entries/regions.js';
import { microsoftRotary, onnxRotary } from './entries/rotary.js';
import { concatFromSequence, optionalGetElement, sequenceAt } from './entries/sequences.js';
import { stft } from './entries/stft.js';
import type { Lowering } from './lowering.js';
import { recurrentLowerings } from './recurrent/recurrent.js';
import { quantisedElementwise } from './quantised/elementwise.js';
import {
  convInteger,
  dynamicQuantizeMatMul,
  matMulInteger,
  matMulIntegerToFloat,
  qGemm,
  qLinearConv,
  qLinearMatMul,
} from './quantised/products.js';

/** The lowerings: composite operators that are differentiated through the core operators they stand for. */
export const lowerings: readonly Lowering[] = [
  einsum,
  meanVarianceNormalization,
  softmaxCrossEntropyLoss,
  negativeLogLikelihoodLoss,
  gridSample,
  deformConv,
  roiAlign,
  maxRoiPool,
  stft,
  onnxRotary,
  onnxAttention,
  fusedConv,
  fusedGemm,
  fusedMatMul,
  transposeMatMul,
  skipLayerNormalization,
  skipSimplifiedLayerNormalization,
  embedLayerNormalization,
  microsoftRotary,
  packedAttention,
  multiHeadAttention,
  groupQueryAttention,
  matMulNBits,
  ...recurrentLowerings,
  sequenceAt,
  concatFromSequence,
  optionalGetElement,
  qLinearConv,
  qLinearMatMul,
  convInteger,
  matMulInteger,
  qGemm,
  matMulIntegerToFloat,
  dynamicQuantizeMatMul,
  ...quantisedElementwise,
];

const loweringByOperator = new Map(lowerings.map((entry) => [`${entry.domain}:${entry.opType}`, entry]));

/** Returns the lowering that covers a node at the model's opset, or undefined. */
export function findLowering(node: GraphNode, opset: number): Lowering | undefined {
  const entry = loweringByOperator.get(`${node.domain}:${node.opType}`);
  if (entry === undefined) return undefined;
  // Other domains version themselves; their lowerings cover the one form in use.
  const fits = node.domain !== '' || (entry.opsets[0] <= opset && opset <= entry.opsets[1]);
  return fits ? entry : undefined;
}
