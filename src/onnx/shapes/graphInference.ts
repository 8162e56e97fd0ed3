import {
  bodiesOf,
  type Dimension,
  type FunctionDefinition,
  type Graph,
  type GraphNode,
  type Model,
  qualifiedOperator,
  type ValueInfo,
  type ValueType,
} from '../model.js';
import { mapDimensions, reconcile, type TypeConflict, withoutShape } from './declared.js';
import { unnamed } from './dimensions.js';
import { constantFact, type Fact, tensorFact, unknownFact } from './facts.js';
import { bindAttributes } from './functionCall.js';
import type { NodeView } from './rule.js';
import { inferRules } from './ruleTable.js';

/** Names visible at a place in the graph: the graph's own, then those of the graphs around it. */
interface Scope {
  readonly facts: Map<string, Fact>;
  readonly outer: Scope | undefined;
  readonly opsets: ReadonlyMap<string, number>;
  /** Where types of this graph's values are recorded; undefined inside functions. */
  readonly record: ((name: string, type: ValueType) => void) | undefined;
}

/** Functions that call each other deeper than this are taken for recursive, which ONNX forbids. */
const maxCallDepth = 32;

/** Functions that call functions could make any number of nodes: calls behind this many are not typed. */
const maxCalledNodeCount = 200_000;

/** One pass of type inference over a model. */
export class GraphInference {
  private readonly conflicts: TypeConflict[] = [];
  private readonly sizes = new Map<string, number>();
  private readonly functions: ReadonlyMap<string, FunctionDefinition>;
  private readonly bodyTypes = new Map<string, { readonly owner: Graph; readonly type: ValueType }>();
  private readonly ambiguous = new Set<string>();
  private unnamedCount = 0;
  private callDepth = 0;
  private calledNodeCount = 0;
  // Sizes declared for the file's own input shapes say nothing once other shapes are fed.
  private declaredSizesHold = true;

  constructor(
    private readonly model: Model,
    private readonly inputShapes: Readonly<Record<string, readonly number[]>>,
    private readonly keepsUnnamed: boolean,
  ) {
    this.functions = new Map(
      model.functions.map((definition) => [callKey(definition.domain, definition.name), definition]),
    );
  }

  run(): { readonly types: ReadonlyMap<string, ValueType>; readonly conflicts: readonly TypeConflict[] } {
    const { graph, opsets } = this.model;
    const types = new Map<string, ValueType>();
    const scope: Scope = {
      facts: new Map(),
      outer: undefined,
      opsets,
      record: (name, type) => void types.set(name, type),
    };
    this.bindSizes(graph.inputs);
    for (const input of graph.inputs) {
      // Old files list their initializers as inputs; those are constants here.
      if (graph.initializers.has(input.name)) continue;
      this.set(scope, input.name, { type: this.inputType(input) });
    }
    this.inferGraph(graph, scope);
    for (const [name, { type }] of this.bodyTypes) {
      if (!types.has(name) && !this.ambiguous.has(name)) types.set(name, type);
    }
    return { types, conflicts: this.conflicts };
  }

  private bindSizes(inputs: readonly ValueInfo[]): void {
    for (const { name, type } of inputs) {
      const given = this.inputShapes[name];
      if (given === undefined || type.kind !== 'tensor' || type.shape === null) continue;
      for (const [axis, size] of type.shape.entries()) {
        const actual = given[axis];
        if (typeof size === 'string' && actual !== undefined) this.sizes.set(size, actual);
        if (typeof size === 'number' && actual !== size) this.declaredSizesHold = false;
      }
    }
  }

  private inputType(input: ValueInfo): ValueType {
    const { name, type } = input;
    const given = this.inputShapes[name];
    if (type.kind === 'tensor' && given !== undefined) return { ...type, shape: given };
    return mapDimensions(this.bound(type), (size) => size ?? this.freshDimension());
  }

  private bound(type: ValueType): ValueType {
    return mapDimensions(type, (size) => (typeof size === 'string' ? (this.sizes.get(size) ?? size) : size));
  }

  private freshDimension(): Dimension {
    return unnamed(this.unnamedCount++);
  }

  private inferGraph(graph: Graph, scope: Scope): void {
    for (const tensor of graph.initializers.values()) this.set(scope, tensor.name, constantFact(tensor));
    for (const { values, dims } of graph.sparseInitializers) {
      this.set(scope, values.name, tensorFact(values.elementType, dims));
    }
    const outputs = new Map(graph.outputs.map((output) => [output.name, output]));
    for (const node of graph.nodes) {
      const facts = this.inferNode(node, scope);
      for (const [i, name] of node.outputs.entries()) {
        if (name === '') continue;
        const declared = graph.valueInfo.get(name) ?? outputs.get(name);
        this.set(scope, name, this.completed(name, facts[i] ?? unknownFact, declared));
      }
    }
  }

  private completed(name: string, fact: Fact, declared: ValueInfo | undefined): Fact {
    if (declared === undefined) return fact;
    const type = this.bound(declared.type);
    const { fact: result, isConflict } = reconcile(
      fact,
      this.declaredSizesHold ? type : withoutShape(type),
      this.keepsUnnamed,
    );
    if (isConflict) this.conflicts.push({ value: name, declared: type, inferred: fact.type });
    return result;
  }

  private inferNode(node: GraphNode, scope: Scope): readonly (Fact | undefined)[] {
    const inputs = node.inputs.map((name) => (name === '' ? undefined : lookUp(scope, name)));
    const definition = this.functions.get(callKey(node.domain, node.opType));
    if (definition !== undefined) return this.inferCall(definition, node, inputs);
    const rule = inferRules.get(qualifiedOperator(node));
    if (rule === undefined) {
      this.visitBodies(node, scope);
      return [];
    }
    const view: NodeView = {
      node,
      opset: scope.opsets.get(node.domain) ?? 1,
      inputs,
      freshDimension: () => this.freshDimension(),
      inferBody: (body, facts) => this.inferBody(body, facts, scope),
    };
    return rule(view);
  }

  /** Types what can be typed inside the bodies of an operator without a rule. */
  private visitBodies(node: GraphNode, scope: Scope): void {
    for (const { graph } of bodiesOf(node)) this.inferBody(graph, [], scope);
  }

  private inferBody(body: Graph, inputs: readonly Fact[], outer: Scope): readonly Fact[] {
    const record = (name: string, type: ValueType): void => {
      this.recordInBody(body, name, type);
    };
    const scope: Scope = {
      facts: new Map(),
      outer,
      opsets: outer.opsets,
      record: outer.record === undefined ? undefined : record,
    };
    for (const [i, input] of body.inputs.entries()) {
      const fact = this.completed(input.name, inputs[i] ?? unknownFact, input);
      this.set(scope, input.name, fact);
    }
    this.inferGraph(body, scope);
    return body.outputs.map((output) => lookUp(scope, output.name));
  }

  private recordInBody(owner: Graph, name: string, type: ValueType): void {
    const known = this.bodyTypes.get(name);
    if (known !== undefined && known.owner !== owner) this.ambiguous.add(name);
    this.bodyTypes.set(name, { owner, type });
  }

  private inferCall(
    definition: FunctionDefinition,
    call: GraphNode,
    inputs: readonly (Fact | undefined)[],
  ): readonly Fact[] {
    this.calledNodeCount += definition.nodes.length;
    if (this.callDepth >= maxCallDepth || this.calledNodeCount > maxCalledNodeCount) return [];
    this.callDepth++;
    const opsets = new Map([...this.model.opsets, ...definition.opsets]);
    const scope: Scope = { facts: new Map(), outer: undefined, opsets, record: undefined };
    for (const [i, name] of definition.inputs.entries()) this.set(scope, name, inputs[i] ?? unknownFact);
    for (const node of definition.nodes) {
      const facts = this.inferNode(bindAttributes(node, call, definition), scope);
      for (const [i, name] of node.outputs.entries()) {
        if (name !== '') this.set(scope, name, facts[i] ?? unknownFact);
      }
    }
    this.callDepth--;
    return definition.outputs.map((name) => lookUp(scope, name));
  }

  private set(scope: Scope, name: string, fact: Fact): void {
    scope.facts.set(name, fact);
    scope.record?.(name, fact.type);
  }
}

function callKey(domain: string, name: string): string {
  return `${domain}:${name}`;
}

function lookUp(scope: Scope, name: string): Fact {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
    const fact = at.facts.get(name);
    if (fact !== undefined) return fact;
  }
  return unknownFact;
}
