import type { FunctionDefinition, GraphNode, Model } from '../../onnx/model.js';
import { bindAttributes } from '../../onnx/shapes/functionCall.js';
import { Renamer } from '../graph/renamer.js';
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

/** Appends the body with the call's operands and attributes in it; what it defines gets fresh names, in bodies too. */
function inlined(
  { node: call, builder }: LoweringContext,
  definition: FunctionDefinition,
): readonly string[] {
  const renamer = new Renamer({
    freshName: (hint) => builder.freshName(`ni/${call.opType}/${hint}`),
    keeps: () => false,
  });
  definition.inputs.forEach((input, i) => {
    renamer.alias(input, call.inputs[i] ?? '');
  });
  const nodes = definition.nodes.map((node) => bindAttributes(node, call, definition));
  for (const node of renamer.nodes(nodes)) builder.append(node);
  return definition.outputs.map((output) => renamer.nameOf(output));
}
