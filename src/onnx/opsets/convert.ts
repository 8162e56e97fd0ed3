import { UserError } from '../../base/errors.js';
import { bodiesOf, type GraphNode, type Model, opsetOf } from '../model.js';
import { inferTypes } from '../shapes/inferTypes.js';
import { ModelConversion } from './modelConversion.js';

/** The opset that rewrites emit for. */
export const targetOpset = 17;

/** The oldest opset that is converted. */
export const oldestOpset = 6;

/** The IR version that goes with opset 17; from 4 on, initializers need not be inputs. */
const targetIrVersion = 8;

/**
 * Returns the model at ai.onnx opset 17, computing the same; models of 17 or newer come back as they are.
 *
 * Bodies and functions are converted too; other domains are left alone. Inputs that only stand for initializers, which
 * old files must list, are no longer inputs. Dropout and BatchNormalization of opset 6 are taken in inference mode.
 *
 * @throws UserError `opset-too-old` below opset 6, `opset-not-convertible` for a node without an equivalent.
 */
export function convertToOpset17(model: Model): Model {
  const opset = model.opsets.has('') || usesDefaultDomain(model) ? opsetOf(model) : targetOpset;
  if (opset > targetOpset) return model;
  if (opset === targetOpset && model.opsets.has('') && !hasOlderFunction(model)) return model;
  if (opset < oldestOpset) throw tooOld(opset);
  const conversion = new ModelConversion(model, inferTypes(model));
  const graph = conversion.convertGraph(model.graph, opset);
  const functions = model.functions.map((definition) => {
    const own = definition.opsets.get('') ?? opset;
    if (own < oldestOpset) throw tooOld(own);
    return conversion.convertFunction(definition, own, targetOpset);
  });
  const inputs = graph.inputs.filter((input) => model.irVersion >= 4 || !graph.initializers.has(input.name));
  return {
    ...model,
    irVersion: Math.max(model.irVersion, targetIrVersion),
    opsets: new Map([...model.opsets, ['', targetOpset]]),
    graph: { ...graph, inputs },
    functions,
  };
}

function hasOlderFunction(model: Model): boolean {
  return model.functions.some((definition) => (definition.opsets.get('') ?? targetOpset) < targetOpset);
}

function usesDefaultDomain(model: Model): boolean {
  const uses = (node: GraphNode): boolean =>
    node.domain === '' || bodiesOf(node).some((body) => body.graph.nodes.some(uses));
  return model.graph.nodes.some(uses);
}

function tooOld(opset: number): UserError {
  return new UserError(
    'opset-too-old',
    `The model is written for opset ${opset} of ONNX, and the oldest that can be analysed is ${oldestOpset}. ` +
      `Export it again with a newer opset (17 is best), or convert it with the version converter of the onnx package.`,
    { detail: { opset, oldest: oldestOpset } },
  );
}
