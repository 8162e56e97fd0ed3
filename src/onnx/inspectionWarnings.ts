import { constantsOf, scalarOf } from './layers/constants.js';
import {
  bodiesOf,
  type Graph,
  type GraphNode,
  intAttribute,
  type Model,
  opsetOf,
  qualifiedOperator,
} from './model.js';
import { oldestOpset } from './opsets/convert.js';
import { inferRules } from './shapes/ruleTable.js';
import type { TypeTable } from './shapes/typeTable.js';

/** The newest ai.onnx opset that the runtime loads (measured with ONNX Runtime 1.30). */
const newestOpset = 26;

/** Domains that the runtime implements. */
const knownDomains: ReadonlySet<string> = new Set([
  '',
  'ai.onnx.ml',
  'ai.onnx.training',
  'ai.onnx.preview.training',
  'com.microsoft',
  'com.microsoft.nchwc',
  'com.ms.internal.nhwc',
]);

/** Names listed in one warning. */
const listedNameCount = 5;

/** Returns what a reader of a model's structure should know before trusting it, one sentence each. */
export function inspectionWarnings(model: Model, types: TypeTable): string[] {
  const nodes = [...allNodes(model.graph.nodes), ...model.functions.flatMap(({ nodes }) => allNodes(nodes))];
  return [
    ...model.warnings,
    ...opsetWarnings(model, nodes),
    ...operatorWarnings(model, nodes),
    ...trainingWarnings(model),
    ...outputWarnings(model, types),
  ];
}

function allNodes(nodes: readonly GraphNode[]): GraphNode[] {
  return nodes.flatMap((node) => [node, ...bodiesOf(node).flatMap(({ graph }) => allNodes(graph.nodes))]);
}

function opsetWarnings(model: Model, nodes: readonly GraphNode[]): string[] {
  const opset = opsetOf(model);
  const isUsed = nodes.some((node) => node.domain === '');
  if (!isUsed) return [];
  if (!model.opsets.has('')) {
    return ['The file does not say which opset of ai.onnx its operators are from; opset 1 is assumed.'];
  }
  if (opset > newestOpset) {
    return [
      `The model is written for opset ${opset}, newer than ${newestOpset}, the newest known: its structure can be read, but it will not run.`,
    ];
  }
  if (opset < oldestOpset) {
    return [
      `The model is written for opset ${opset}, older than ${oldestOpset}, the oldest that can be analysed: export it again with a newer one.`,
    ];
  }
  return [];
}

function operatorWarnings(model: Model, nodes: readonly GraphNode[]): string[] {
  const functions = new Set(model.functions.map(({ domain, name }) => `${domain}:${name}`));
  const foreign = new Map<string, Set<string>>();
  const unknown = new Set<string>();
  for (const node of nodes) {
    if (functions.has(`${node.domain}:${node.opType}`)) continue;
    const operator = qualifiedOperator(node);
    if (!knownDomains.has(node.domain)) {
      const names = foreign.get(node.domain) ?? new Set();
      foreign.set(node.domain, names.add(node.opType));
    } else if (!inferRules.has(operator)) {
      unknown.add(operator);
    }
  }
  const warnings = [...foreign].map(
    ([domain, names]) =>
      `Operators of domain "${domain}" are not known here, so the model can be looked at but not run: ${list(names)}.`,
  );
  if (unknown.size > 0) {
    warnings.push(
      `What these operators return is not known, so shapes behind them are open: ${list(unknown)}.`,
    );
  }
  return warnings;
}

function list(names: Iterable<string>): string {
  const all = [...names];
  const shown = all.slice(0, listedNameCount).join(', ');
  return all.length > listedNameCount ? `${shown} and ${all.length - listedNameCount} more` : shown;
}

/** Operators that an export in training mode leaves behaving at random or by the batch. */
function trainingWarnings(model: Model): string[] {
  const found = trainingNodes(model.graph, opsetOf(model));
  const warnings: string[] = [];
  for (const [opType, advice] of [
    ['Dropout', 'outputs differ from run to run'],
    ['BatchNormalization', 'outputs depend on the other samples of a batch'],
  ] as const) {
    const nodes = found.filter((node) => node.opType === opType);
    if (nodes.length === 0) continue;
    const names = list(nodes.map((node) => (node.name === '' ? (node.outputs[0] ?? '') : node.name)));
    warnings.push(
      `${opType} is left in training mode, so ${advice}: ${names}. Export the model in evaluation mode.`,
    );
  }
  return warnings;
}

function trainingNodes(graph: Graph, opset: number): GraphNode[] {
  const constants = constantsOf(graph);
  const flagOf = (node: GraphNode): boolean => {
    const name = node.inputs[2] ?? '';
    return name !== '' && scalarOf(constants.get(name)) !== 0;
  };
  return graph.nodes.flatMap((node) => {
    const inside = bodiesOf(node).flatMap((body) => trainingNodes(body.graph, opset));
    return isTraining(node, opset, flagOf) ? [node, ...inside] : inside;
  });
}

function isTraining(node: GraphNode, opset: number, flagOf: (node: GraphNode) => boolean): boolean {
  if (node.domain !== '') return false;
  if (node.opType === 'Dropout') {
    if (opset < 7) return intAttribute(node, 'is_test', 0) === 0;
    return opset >= 12 && flagOf(node);
  }
  if (node.opType !== 'BatchNormalization') return false;
  return opset < 7 ? intAttribute(node, 'is_test', 0) === 0 : intAttribute(node, 'training_mode', 0) === 1;
}

function outputWarnings(model: Model, types: TypeTable): string[] {
  const made = new Set(model.graph.nodes.flatMap((node) => node.outputs));
  const sources = new Set([
    ...model.graph.inputs.map(({ name }) => name),
    ...model.graph.initializers.keys(),
  ]);
  return model.graph.outputs
    .filter(({ name }) => !made.has(name) && !sources.has(name) && !types.has(name))
    .map(({ name }) => `No node makes the output "${name}".`);
}
