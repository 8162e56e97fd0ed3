import { UserError } from '../../base/errors.js';
import { type GraphNode, qualifiedOperator } from '../../onnx/model.js';

/** Names a node for a person: its own name, else the value it makes. */
export function describeNode(node: GraphNode): string {
  return node.name === '' ? `the node that makes "${node.outputs[0] ?? ''}"` : `node "${node.name}"`;
}

/** An operator on the way from the seeds to the wanted values has no gradient rule. */
export function ruleMissing(node: GraphNode, opset: number, others: readonly string[]): UserError {
  const operator = qualifiedOperator(node);
  const more = others.length === 0 ? '' : ` Also without a rule here: ${others.join(', ')}.`;
  return new UserError(
    'gradient-rule-missing',
    `There is no gradient rule for ${operator} (opset ${opset}), which ${describeNode(node)} uses.${more} Choose a layer after it, or a method that needs no gradients, such as method=occlusion.`,
    { detail: { operator, opset, node: node.name, output: node.outputs[0] ?? '', others } },
  );
}

/** A rule has to know something about a value that only the data tells. */
export function gradientNeeds(node: GraphNode, need: string): UserError {
  const operator = qualifiedOperator(node);
  return new UserError(
    'gradient-needs-shape',
    `The gradient of ${operator} at ${describeNode(node)} needs ${need}, which the model file does not say. Give data, so that shapes can be measured, or fix the model's input shapes.`,
    { detail: { operator, node: node.name, need } },
  );
}

/** A rule covers the operator, but not this use of it. */
export function formUnsupported(node: GraphNode, form: string): UserError {
  const operator = qualifiedOperator(node);
  return new UserError(
    'gradient-form-unsupported',
    `The gradient of ${operator} is not available for ${form}, which ${describeNode(node)} uses. Choose a layer after it, or a method that needs no gradients, such as method=occlusion.`,
    { detail: { operator, node: node.name, form } },
  );
}
