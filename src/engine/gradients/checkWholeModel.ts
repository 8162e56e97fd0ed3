import { UserError } from '../../base/errors.js';
import { loadTensor } from '../../onnx/loadTensor.js';
import type { DataType } from '../../onnx/dataTypes.js';
import type { Model } from '../../onnx/model.js';
import { inferTypes, type TypeTable } from '../../onnx/shapes/inferTypes.js';
import { elementCountOf, type TensorValue } from '../../onnx/tensorValue.js';
import type { GradientCheckRow } from '../../protocol/gradientCheck.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { promoteToInputs } from '../rewrites/promote.js';
import type { Feeds } from '../runtime/session.js';
import { type CheckSetting, nameGradients, networkSteps } from './checkNode.js';
import { differentiate } from './differentiate.js';
import { checkDirections, type DirectionalError, isCompared } from './directionalCheck.js';
import { judge, wholeModelTolerance } from './gradientVerdict.js';

/** What the row of the model as a whole is called. */
export const wholeModelOperator = '(whole model)';

/** Weights are checked too, few and small ones first, up to this many elements. */
const weightElementBudget = 2e6;
const weightCountBudget = 8;

/** Returns the row that compares the whole model's gradient, by its float inputs and some weights. */
export async function checkWholeModel(check: CheckSetting, feeds: Feeds): Promise<GradientCheckRow> {
  const row = { operator: wholeModelOperator, nodeCount: check.model.graph.nodes.length };
  try {
    return { ...row, ...judge(await compare(check, feeds), [], wholeModelTolerance) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const status = error.code === 'gradient-rule-missing' ? 'no-rule' : 'not-checked';
    return { ...row, status, maxError: null, checkedCount: 0, note: error.message };
  }
}

async function compare(
  { model, runtime, random, rules }: CheckSetting,
  feeds: Feeds,
): Promise<DirectionalError[]> {
  const chosen = chooseWeights(model);
  const promoted = promoteToInputs(model, chosen);
  const allFeeds: Record<string, TensorValue> = { ...feeds };
  for (const name of chosen) {
    const tensor = model.graph.initializers.get(name);
    if (tensor !== undefined) allFeeds[name] = await loadTensor(tensor);
  }
  const wrt = Object.keys(allFeeds).filter((name) => isCompared(allFeeds[name]?.dtype));
  // Which branch an If takes may follow from sizes, and what comes behind it from the branch.
  const inputShapes = Object.fromEntries(Object.entries(allFeeds).map(([name, { dims }]) => [name, dims]));
  const types = inferTypes(promoted, { inputShapes, keepsUnnamed: true });
  const builder = new GraphBuilder(promoted);
  const cotangents = addCotangents(builder, comparedOutputs(promoted, types));
  const seeds = [...cotangents].map(([value, cotangent]) => ({ value, cotangent }));
  const backward = differentiate(builder.build(), { seeds, wrt, types, rules });
  const named = nameGradients(backward.model, backward.gradients);
  const forward = await runtime.open(promoted);
  const both = await runtime.open(named.model);
  try {
    const sessions = { forward, backward: both, gradients: named.gradients, cotangents };
    return await checkDirections(
      { ...sessions, feeds: allFeeds, steps: networkSteps, directionCount: 1 },
      random,
    );
  } finally {
    await forward.close();
    await both.close();
  }
}

/** Types of the outputs whose differences are taken, by name. */
function comparedOutputs(model: Model, types: TypeTable): ReadonlyMap<string, DataType> {
  const elementTypes = new Map<string, DataType>();
  for (const { name } of model.graph.outputs) {
    const type = types.get(name);
    if (type?.kind === 'tensor' && isCompared(type.elementType)) elementTypes.set(name, type.elementType);
  }
  return elementTypes;
}

/** Adds an input per output for its cotangent; returns the names by output. */
function addCotangents(
  builder: GraphBuilder,
  outputs: ReadonlyMap<string, DataType>,
): ReadonlyMap<string, string> {
  return new Map(
    [...outputs].map(([output, elementType]) => {
      const name = builder.freshName(`${output}/cotangent`);
      return [output, builder.addInput(name, { kind: 'tensor', elementType, shape: null })];
    }),
  );
}

/** Float weights with several elements, spread over the file. */
function chooseWeights(model: Model): readonly string[] {
  const weights = [...model.graph.initializers.values()].filter(
    (tensor) => isCompared(tensor.elementType) && elementCountOf(tensor.dims) > 1,
  );
  const step = Math.max(1, Math.ceil(weights.length / weightCountBudget));
  let elements = 0;
  const chosen: string[] = [];
  for (let i = 0; i < weights.length; i += step) {
    const tensor = weights[i];
    if (tensor === undefined) continue;
    elements += elementCountOf(tensor.dims);
    if (elements > weightElementBudget) break;
    chosen.push(tensor.name);
  }
  return chosen;
}
