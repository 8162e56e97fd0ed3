import type { InferRule, RuleEntries } from './rule.js';
import { convolutionRules } from './rules/convolution.js';
import { elementwiseRules } from './rules/elementwise.js';
import { normalisationRules } from './rules/normalisation.js';
import { productRules } from './rules/products.js';
import { reductionRules } from './rules/reduction.js';
import { selectionRules } from './rules/selection.js';
import { sourceRules } from './rules/source.js';
import { structureRules } from './rules/structure.js';
import { controlFlowRules } from './rules/controlFlow.js';
import { machineLearningRules } from './rules/machineLearning.js';
import { microsoftRules } from './rules/microsoft.js';
import { quantisationRules } from './rules/quantisation.js';
import { recurrentRules } from './rules/recurrent.js';
import { sequenceRules } from './rules/sequences.js';

const entries: RuleEntries = [
  ...elementwiseRules,
  ...convolutionRules,
  ...productRules,
  ...structureRules,
  ...selectionRules,
  ...reductionRules,
  ...sourceRules,
  ...normalisationRules,
  ...sequenceRules,
  ...recurrentRules,
  ...quantisationRules,
  ...microsoftRules,
  ...machineLearningRules,
  ...controlFlowRules,
];

/** Type rules by operator: no prefix for ai.onnx, else `domain:OpType`. */
export const inferRules: ReadonlyMap<string, InferRule> = new Map(
  entries.flatMap(([operators, rule]) => operators.split(' ').map((operator) => [operator, rule] as const)),
);
