import { bodiesOf, type FunctionDefinition, type GraphNode, type Model } from '../../onnx/model.js';
import { bindAttributes } from '../../onnx/shapes/functionCall.js';
import { formUnsupported } from '../gradients/gradientErrors.js';
import { latestOpset } from '../gradients/gradientRule.js';
import type { Lowering, LoweringContext } from './lowering.js';

/** Returns the lowering of a call of one of the model's own functions: its body; undefined for anything else. */
export function functionLowering(model: Model, node: GraphNode): Lowering | undefined {
  const definition = model.functions.find(
    ({ domain, name, overload }) =>
      domain === node.domain && name === node.opType && overload === node.overload,
  );
  if (definition === undefined) return undefined;
  return {
    opType: node.opType,
    domain: node.domain,
    opsets: [1, latestOpset],
    // The runtime runs the body in the call's place too.
    replaces: true,
    lower: (context) => inlined(context, definition),
  };
}

/** Appends the body with the call's operands and attributes in it; its inner values get fresh names. */
function inlined(
  { node: call, builder }: LoweringContext,
  definition: FunctionDefinition,
): readonly string[] {
  const names = new Map(definition.inputs.map((input, i) => [input, call.inputs[i] ?? '']));
  const nameOf = (inner: string): string => (inner === '' ? '' : (names.get(inner) ?? inner));
  for (const node of definition.nodes) {
    if (bodiesOf(node).length > 0) throw formUnsupported(call, 'control flow inside a function');
    const bound = bindAttributes(node, call, definition);
    const outputs = node.outputs.map((output) => {
      if (output === '') return '';
      const fresh = builder.freshName(`ni/${call.opType}/${output}`);
      names.set(output, fresh);
      return fresh;
    });
    builder.node(bound.opType, bound.inputs.map(nameOf), {
      domain: bound.domain,
      attributes: Object.fromEntries(bound.attributes),
      outputs,
    });
  }
  return definition.outputs.map(nameOf);
}
