import type { GraphNode } from '../../onnx/model.js';
import type { GradientRule } from './gradientRule.js';
import { castLikeRule, castRule, clipRule, dropoutRule, pReluRule, whereRule } from './rules/activations.js';
import {
  addRule,
  divRule,
  maxRule,
  meanRule,
  minRule,
  mulRule,
  powRule,
  subRule,
  sumRule,
} from './rules/arithmetic.js';
import { averagePoolRule } from './rules/averagePool.js';
import { concatRule, splitRule } from './rules/concat.js';
import { convRule } from './rules/conv.js';
import { convTransposeRule } from './rules/convTranspose.js';
import { depthToSpaceRule, spaceToDepthRule } from './rules/depthSpace.js';
import { gatherElementsRule, gatherNdRule, gatherRule, topKRule } from './rules/gather.js';
import { dftRule } from './rules/fourier.js';
import { gemmRule } from './rules/gemm.js';
import {
  globalAveragePoolRule,
  globalLpPoolRule,
  globalMaxPoolRule,
  lpPoolRule,
} from './rules/globalPool.js';
import { ifRule } from './rules/if.js';
import { loopRule, scanRule } from './rules/loop.js';
import { lpNormalizationRule } from './rules/lpNormalization.js';
import { matMulRule } from './rules/matMul.js';
import { maxPoolRule } from './rules/maxPool.js';
import {
  batchNormalizationRule,
  groupNormalizationRules,
  instanceNormalizationRule,
  layerNormalizationRule,
  lrnRule,
  rmsNormalizationRule,
  simplifiedLayerNormalizationRule,
} from './rules/normalization.js';
import { affineGridRule, cumProdRule, detRule, modRule, oneHotRule, rangeRule } from './rules/numbers.js';
import {
  centerCropPadRule,
  col2ImRule,
  compressRule,
  maxUnpoolRule,
  reverseSequenceRule,
  tensorScatterRule,
} from './rules/placing.js';
import { dynamicQuantizeLinearRule, quantisationRules } from './rules/quantisation.js';
import { reductionRules } from './rules/reductions.js';
import { flattenRule, reshapeRule, squeezeRule, unsqueezeRule } from './rules/reshape.js';
import { resizeRule } from './rules/resize.js';
import { scatterElementsRule, scatterNdRule } from './rules/scatter.js';
import {
  cumSumRule,
  expandRule,
  padRule,
  sliceRule,
  tileRule,
  transposeRule,
  triluRule,
} from './rules/slices.js';
import { logSoftmaxRule, softmaxRule } from './rules/softmax.js';
import { biasGeluRule, fastGeluRule, unaryRules } from './rules/unary.js';

/** The gradient rules: an operator without a line here, or in `noGradients`, cannot be differentiated. */
export const gradientRules: readonly GradientRule[] = [
  addRule,
  subRule,
  mulRule,
  divRule,
  powRule,
  minRule,
  maxRule,
  sumRule,
  meanRule,
  ...unaryRules,
  biasGeluRule,
  fastGeluRule,
  pReluRule,
  clipRule,
  dropoutRule,
  castRule,
  castLikeRule,
  whereRule,
  convRule,
  convTransposeRule,
  gemmRule,
  matMulRule,
  maxPoolRule,
  averagePoolRule,
  lpPoolRule,
  globalMaxPoolRule,
  globalAveragePoolRule,
  globalLpPoolRule,
  softmaxRule,
  logSoftmaxRule,
  batchNormalizationRule,
  layerNormalizationRule,
  rmsNormalizationRule,
  simplifiedLayerNormalizationRule,
  instanceNormalizationRule,
  ...groupNormalizationRules,
  lrnRule,
  lpNormalizationRule,
  ...reductionRules,
  reshapeRule,
  flattenRule,
  squeezeRule,
  unsqueezeRule,
  transposeRule,
  expandRule,
  tileRule,
  concatRule,
  splitRule,
  sliceRule,
  padRule,
  gatherRule,
  gatherNdRule,
  gatherElementsRule,
  scatterElementsRule,
  scatterNdRule,
  topKRule,
  depthToSpaceRule,
  spaceToDepthRule,
  cumSumRule,
  triluRule,
  ifRule,
  loopRule,
  scanRule,
  resizeRule,
  affineGridRule,
  reverseSequenceRule,
  compressRule,
  centerCropPadRule,
  maxUnpoolRule,
  col2ImRule,
  tensorScatterRule,
  modRule,
  oneHotRule,
  rangeRule,
  detRule,
  cumProdRule,
  dftRule,
  ...quantisationRules,
  dynamicQuantizeLinearRule,
];

/** How a rule is chosen for a node. */
export interface RuleChoice {
  /** Rules asked before the table. */
  readonly overrides: readonly GradientRule[];
  /** The model's ai.onnx opset. */
  readonly opset: number;
}

const rulesByOperator = byOperator(gradientRules);

/** Returns the rule that covers a node at the model's opset, or undefined. */
export function findRule(node: GraphNode, { overrides, opset }: RuleChoice): GradientRule | undefined {
  const fits = (rule: GradientRule): boolean =>
    rule.opType === node.opType &&
    rule.domain === node.domain &&
    // Other domains version themselves; their rules cover the one form in use.
    (node.domain !== '' || (rule.opsets[0] <= opset && opset <= rule.opsets[1]));
  return overrides.find(fits) ?? rulesByOperator.get(`${node.domain}:${node.opType}`)?.find(fits);
}

function byOperator(rules: readonly GradientRule[]): ReadonlyMap<string, readonly GradientRule[]> {
  const table = new Map<string, GradientRule[]>();
  for (const rule of rules) {
    const key = `${rule.domain}:${rule.opType}`;
    const known = table.get(key);
    if (known === undefined) table.set(key, [rule]);
    else known.push(rule);
  }
  return table;
}
