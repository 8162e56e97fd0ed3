import { UserError } from '../../base/errors.js';
import { type GraphNode, qualifiedOperator } from '../../onnx/model.js';
import { describeNode } from '../gradients/gradientErrors.js';

/** An operator between a bounded input and a wanted value has no interval rule. */
export function boundRuleMissing(node: GraphNode): UserError {
  const operator = qualifiedOperator(node);
  return new UserError(
    'bound-rule-missing',
    `There is no bound rule for ${operator}, which ${describeNode(node)} uses. Choose a layer before it.`,
    { detail: { operator, node: node.name, output: node.outputs[0] ?? '' } },
  );
}

/** A rule covers the operator, but not this use of it. */
export function boundUnsupported(node: GraphNode, form: string): UserError {
  const operator = qualifiedOperator(node);
  return new UserError(
    'bound-form-unsupported',
    `Bounds of ${operator} are not available for ${form}, which ${describeNode(node)} uses. Choose a layer before it.`,
    { detail: { operator, node: node.name, form } },
  );
}
