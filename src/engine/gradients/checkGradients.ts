import { throwIfAborted } from '../../base/abort.js';
import { UserError } from '../../base/errors.js';
import { createRandom, type Random } from '../../base/random.js';
import { loadTensor } from '../../onnx/loadTensor.js';
import { bodiesOf, type GraphNode, type Model, opsetOf, qualifiedOperator } from '../../onnx/model.js';
import { convertToOpset17 } from '../../onnx/opsets/convert.js';
import { inferTypes, type TypeTable } from '../../onnx/shapes/inferTypes.js';
import type { TensorValue } from '../../onnx/tensorValue.js';
import type { GradientCheckRow, GradientCheckTable } from '../../protocol/gradientCheck.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { packingOperators } from '../lowering/entries/sequences.js';
import { functionLowering } from '../lowering/functionCall.js';
import { findLowering } from '../lowering/loweringTable.js';
import type { Feeds, Runtime } from '../runtime/session.js';
import { checkNode, inDouble, type NodeAtWork } from './checkNode.js';
import type { GradientRule } from './gradientRule.js';
import { checkWholeModel, wholeModelOperator } from './checkWholeModel.js';
import type { DirectionalError } from './directionalCheck.js';
import { gradientCheckTolerance, judge, wholeModelTolerance } from './gradientVerdict.js';
import { noGradientReason } from './noGradient.js';
import { operandsOf } from './operands.js';
import { findRule } from './ruleTable.js';

/** What a check needs to know. */
export interface GradientCheckOptions {
  /** One batch of the model's inputs. */
  readonly feeds: Feeds;
  readonly seed: number;
  /** Nodes checked per operator, spread over the file; default 6. */
  readonly nodesPerOperator?: number;
  /** Rules to check in place of the gradient's own. */
  readonly rules?: readonly GradientRule[];
  onProgress?(fractionDone: number): void;
}

/**
 * Compares the gradient of every operator of a model, and of the model as a whole, with central differences.
 *
 * Nodes are checked one by one at the operands they have in one run, since errors of single rules drown in a whole
 * model's kinks and rounding.
 *
 * @throws UserError `run-failed` when the model does not run on the feeds.
 */
export async function checkGradients(
  model: Model,
  runtime: Runtime,
  options: GradientCheckOptions,
  signal?: AbortSignal,
): Promise<GradientCheckTable> {
  const converted = convertToOpset17(model);
  const random = createRandom(options.seed);
  const groups = groupByOperator(converted);
  const sampled = new Set([...groups.values()].flatMap((nodes) => sampleNodes(converted, nodes, options)));
  const values = await valuesAround(converted, runtime, { nodes: sampled, feeds: options.feeds });
  const stored = storedValues(converted);
  const context = { model: converted, runtime, options, random, sampled, values, stored };
  const rows: GradientCheckRow[] = [];
  const total = groups.size + 1;
  for (const [operator, nodes] of groups) {
    throwIfAborted(signal);
    rows.push(await checkOperator(context, operator, nodes));
    options.onProgress?.(rows.length / total);
  }
  rows.push(await wholeModelRow(context));
  options.onProgress?.(1);
  return {
    rows,
    isPassed: rows.every((row) => row.status !== 'failed'),
    tolerance: gradientCheckTolerance,
    wholeModelTolerance,
    warnings: warningsOf(rows),
  };
}

/** A model that rounds has jumps which differences see and gradients do not: the rest of it is compared node by node. */
async function wholeModelRow({ model, runtime, random, options }: CheckContext): Promise<GradientCheckRow> {
  const rounding = model.graph.nodes.find((node) => isStraightThrough(node, opsetOf(model)));
  if (rounding === undefined) {
    return checkWholeModel({ model, runtime, random, rules: options.rules ?? [] }, options.feeds);
  }
  return {
    operator: wholeModelOperator,
    nodeCount: model.graph.nodes.length,
    status: 'not-checked',
    maxError: null,
    checkedCount: 0,
    note: `${qualifiedOperator(rounding)} rounds: differences see its jumps, gradients pass straight through`,
  };
}

function warningsOf(rows: readonly GradientCheckRow[]): readonly string[] {
  const missing = rows.filter((row) => row.status === 'no-rule' && row.operator !== wholeModelOperator);
  if (missing.length === 0) return [];
  const names = missing.map((row) => row.operator).join(', ');
  return [`No gradient rule exists for ${names}: layers before them cannot be explained by gradients.`];
}

function groupByOperator(model: Model): ReadonlyMap<string, readonly GraphNode[]> {
  const groups = new Map<string, GraphNode[]>();
  for (const node of model.graph.nodes) {
    const operator = qualifiedOperator(node);
    const group = groups.get(operator);
    if (group === undefined) groups.set(operator, [node]);
    else group.push(node);
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface CheckContext {
  readonly model: Model;
  readonly runtime: Runtime;
  readonly options: GradientCheckOptions;
  readonly random: Random;
  readonly sampled: ReadonlySet<GraphNode>;
  /** Values of everything that the sampled nodes read and make. */
  readonly values: ReadonlyMap<string, TensorValue>;
  /** Weights and constants. */
  readonly stored: ReadonlySet<string>;
}

function storedValues({ graph }: Model): ReadonlySet<string> {
  const constants = graph.nodes.filter(({ opType, domain }) => opType === 'Constant' && domain === '');
  return new Set([...graph.initializers.keys(), ...constants.flatMap(({ outputs }) => outputs)]);
}

async function checkOperator(
  context: CheckContext,
  operator: string,
  nodes: readonly GraphNode[],
): Promise<GradientCheckRow> {
  const { model } = context;
  const row = { operator, nodeCount: nodes.length, maxError: null, checkedCount: 0 };
  const [first] = nodes;
  const reason = first === undefined ? undefined : noGradientReason(first);
  if (reason !== undefined) return { ...row, status: 'no-gradient', note: reason };
  if (first?.domain === '' && packingOperators.includes(first.opType)) {
    return { ...row, status: 'not-checked', note: 'it packs tensors, and gradients are traced through it' };
  }
  if (first !== undefined && isStraightThrough(first, opsetOf(model))) {
    return { ...row, status: 'not-checked', note: 'it rounds, and its gradient passes straight through' };
  }
  if (floatNodes(model, nodes).length === 0) {
    return { ...row, status: 'no-gradient', note: 'here it works on whole numbers or truth values only' };
  }
  const ruled = ruledNodes(model, nodes, context.options.rules);
  if (ruled.length === 0) {
    return { ...row, status: 'no-rule', note: `no gradient rule at opset ${opsetOf(model)}` };
  }
  const chosen = ruled.filter((node) => context.sampled.has(node));
  const compared: DirectionalError[] = [];
  const unmet: string[] = [];
  for (const node of chosen) {
    const outcome = await checkOne(context, node);
    if (typeof outcome === 'string') unmet.push(outcome);
    else compared.push(...outcome);
  }
  const hasBodies = chosen.some((node) => bodiesOf(node).length > 0);
  return { ...row, ...judge(compared, unmet, hasBodies ? wholeModelTolerance : gradientCheckTolerance) };
}

/** Nodes with a float result, as far as types are known. */
function floatNodes(model: Model, nodes: readonly GraphNode[]): readonly GraphNode[] {
  const types = typesOf(model);
  return nodes.filter((node) => {
    const type = types.get(node.outputs[0] ?? '');
    return type?.kind !== 'tensor' || type.elementType.startsWith('float') || type.elementType === 'bfloat16';
  });
}

const typesByModel = new WeakMap<Model, TypeTable>();

function typesOf(model: Model): TypeTable {
  const known = typesByModel.get(model);
  if (known !== undefined) return known;
  const types = inferTypes(model, { keepsUnnamed: true });
  typesByModel.set(model, types);
  return types;
}

function spreadOut<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items;
  const step = (items.length - 1) / Math.max(1, count - 1);
  return Array.from({ length: count }, (_, i) => items[Math.round(i * step)]).flatMap((item) =>
    item === undefined ? [] : [item],
  );
}

function isStraightThrough(node: GraphNode, opset: number): boolean {
  const entry = findRule(node, { overrides: [], opset }) ?? findLowering(node, opset);
  return entry?.isStraightThrough === true;
}

/** Float nodes that a rule or a lowering covers. */
function ruledNodes(
  model: Model,
  nodes: readonly GraphNode[],
  rules: readonly GradientRule[] = [],
): readonly GraphNode[] {
  const choice = { overrides: rules, opset: opsetOf(model) };
  return floatNodes(model, nodes).filter(
    (node) =>
      noGradientReason(node) === undefined &&
      (findRule(node, choice) ?? functionLowering(model, node) ?? findLowering(node, choice.opset)) !==
        undefined,
  );
}

function sampleNodes(
  model: Model,
  nodes: readonly GraphNode[],
  options: GradientCheckOptions,
): readonly GraphNode[] {
  return spreadOut(ruledNodes(model, nodes, options.rules), options.nodesPerOperator ?? 6);
}

/** Returns the comparisons of one node, or why there are none. */
async function checkOne(
  context: CheckContext,
  node: GraphNode,
): Promise<readonly DirectionalError[] | string> {
  const { values, stored } = context;
  const weights = new Set(operandsOf(node).filter((input) => stored.has(input)));
  if (operandsOf(node).some((input) => values.get(input)?.dtype === 'string')) return 'it works on text here';
  try {
    const errors = await compareNode(context, { node, values, weights });
    return errors.length === 0 ? 'none of its operands holds several float32 or float64 numbers' : errors;
  } catch (error) {
    // A form without a rule, or a type that the runtime has no kernel for, is a gap of this row and not of the check.
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/**
 * Compares a node in its own precision, and again in float64 where that fails and the runtime can.
 *
 * A function near the end of its range (a Sigmoid at −20) has no digits left for differences in float32. A wrong rule is
 * wrong in float64 too.
 */
async function compareNode(
  { model, runtime, options, random }: CheckContext,
  work: NodeAtWork,
): Promise<readonly DirectionalError[]> {
  const setting = { model, runtime, random, rules: options.rules ?? [] };
  const errors = await checkNode(setting, work);
  const { status } = judge(errors, []);
  if (status !== 'failed' || bodiesOf(work.node).length > 0) return errors;
  try {
    return await checkNode(setting, inDouble(work));
  } catch (error) {
    if (error instanceof UserError) return errors;
    throw error;
  }
}

/** Runs the model once with the operands and results of some nodes as outputs; weights are read from the file. */
async function valuesAround(
  model: Model,
  runtime: Runtime,
  { nodes, feeds }: { readonly nodes: ReadonlySet<GraphNode>; readonly feeds: Feeds },
): Promise<ReadonlyMap<string, TensorValue>> {
  const values = new Map<string, TensorValue>();
  const asked: string[] = [];
  for (const name of new Set([...nodes].flatMap((node) => [...operandsOf(node), ...node.outputs]))) {
    if (name === '') continue;
    const initializer = model.graph.initializers.get(name);
    const fed = feeds[name];
    if (initializer !== undefined) values.set(name, await loadTensor(initializer));
    else if (fed !== undefined) values.set(name, fed);
    else if (typesOf(model).get(name)?.kind === 'tensor') asked.push(name);
  }
  if (asked.length === 0) return values;
  const builder = new GraphBuilder(model);
  builder.setOutputs(asked);
  const session = await runtime.open(builder.build(), { purpose: 'probe' });
  try {
    for (const [name, value] of Object.entries(await session.run(feeds))) values.set(name, value);
  } finally {
    await session.close();
  }
  return values;
}
