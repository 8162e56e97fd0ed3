import type { GraphNode } from '../../onnx/model.js';
import type { IntervalRule } from './intervalRule.js';
import { dippingRules } from './rules/dipping.js';
import { monotoneRules } from './rules/monotone.js';
import { normalisedRules } from './rules/normalised.js';
import { productRules } from './rules/products.js';

/** The interval rules: bounds stop at an operator without a line here. */
export const intervalRules: readonly IntervalRule[] = [
  ...monotoneRules,
  ...dippingRules,
  ...productRules,
  ...normalisedRules,
];

const byOperator = new Map(
  intervalRules.flatMap((rule) => rule.opTypes.map((opType) => [opType, rule] as const)),
);

/** Returns the interval rule of a node, or undefined. */
export function findIntervalRule({ domain, opType }: GraphNode): IntervalRule | undefined {
  return domain === '' ? byOperator.get(opType) : undefined;
}
