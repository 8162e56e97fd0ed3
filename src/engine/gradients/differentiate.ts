import { type GraphNode, type Model, opsetOf } from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import type { TensorValue } from '../../onnx/tensorValue.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { topologicalOrder } from '../../onnx/graphIndex.js';
import { joinPlaced } from './betweenZeros.js';
import { constantLookup } from './constantLookup.js';
import { Emitter } from './emitter.js';
import { gradientNeeds, ruleMissing } from './gradientErrors.js';
import { type GradientPath, gradientPath } from './gradientPath.js';
import type { GradientRule, InputCotangent, RuleContext, Seed } from './gradientRule.js';
import { madeBy, withoutDead } from './liveNodes.js';
import { operandsOf } from './operands.js';
import { findRule, type RuleChoice } from './ruleTable.js';
import { unbroadcast } from './unbroadcast.js';

/** What to differentiate, by what. */
export interface DifferentiationRequest {
  readonly seeds: readonly Seed[];
  /** Inputs, inner values or weights. */
  readonly wrt: readonly string[];
  /** Types of the model's values; the batch axis symbolic unless the model fixes it. */
  readonly types: TypeTable;
  /** Rules that take precedence over the gradient's own, for other backward passes (guided, relevance). */
  readonly rules?: readonly GradientRule[];
  /** Returns values that the given rules appended for themselves; asked at the end. */
  keeps?(): readonly string[];
}

/** A differentiated model. */
export interface Differentiation {
  /** The given model with the backward pass appended; no new outputs. */
  readonly model: Model;
  /** Name of the gradient per `wrt` value; one that no seed depends on is missing. */
  readonly gradients: ReadonlyMap<string, string>;
}

/** Opset from which on all forms that rules emit exist (`Shape` with bounds 15, ScatterElements with add 16). */
const firstOpset = 17;

/**
 * Returns the model with Σ_seeds ⟨cotangent, ∂seed/∂wrt⟩ appended as nodes, reverse mode.
 *
 * Works at every batch size: sizes of the first axis are read at run time. Max and ReLU ties follow one convention:
 * ReLU′(0) = 0, and the first of equal maxima takes all.
 *
 * @throws UserError `gradient-rule-missing`, `gradient-needs-shape`, `gradient-form-unsupported`.
 */
export function differentiate(model: Model, request: DifferentiationRequest): Differentiation {
  const opset = opsetOf(model);
  if (opset < firstOpset) throw new Error(`Convert the model from opset ${opset} up before differentiating.`);
  const order = topologicalOrder(model.graph);
  if (order.kind === 'cycle') throw new Error('A graph with a cycle cannot be differentiated.');
  const choice = { overrides: request.rules ?? [], opset };
  const path = gradientPath(model, request, { order: order.nodes, choice });
  const rules = rulesFor(path.nodes, choice);
  const prepared = prepareNodes(path, rules);
  const pass = new BackwardPass(prepared.model, {
    ...path,
    // Other backward passes (guided, relevance) go on inside bodies.
    differentiate: (body, inner) => differentiate(body, { ...inner, rules: choice.overrides }),
  });
  for (const seed of request.seeds) pass.seed(seed);
  for (const node of path.nodes.toReversed()) {
    const rule = rules.get(node);
    if (rule !== undefined) pass.through(prepared.nodes.get(node) ?? node, rule);
  }
  const gradients = new Map<string, string>();
  for (const value of request.wrt) {
    const gradient = pass.cotangentOf(value);
    if (gradient !== undefined) gradients.set(value, gradient);
  }
  const own = madeBy(model);
  const read = [...gradients.values(), ...(request.keeps?.() ?? [])];
  return { model: withoutDead(pass.builder.build(), { own, read }), gradients };
}

function rulesFor(nodes: readonly GraphNode[], choice: RuleChoice): ReadonlyMap<GraphNode, GradientRule> {
  const rules = new Map<GraphNode, GradientRule>();
  const missing: GraphNode[] = [];
  for (const node of nodes) {
    const rule = findRule(node, choice);
    if (rule === undefined) missing.push(node);
    else rules.set(node, rule);
  }
  // The one nearest to the seeds is named first: a person works backwards from the output.
  const last = missing.at(-1);
  if (last !== undefined) {
    const others = new Set(missing.map((node) => node.opType));
    others.delete(last.opType);
    throw ruleMissing(last, choice.opset, [...others]);
  }
  return rules;
}

interface PreparedModel {
  readonly model: Model;
  /** Original node → node with the optional outputs its rule asked for. */
  readonly nodes: ReadonlyMap<GraphNode, GraphNode>;
}

function prepareNodes(
  { model, typeOf }: Pick<GradientPath, 'model' | 'typeOf'>,
  rules: ReadonlyMap<GraphNode, GradientRule>,
): PreparedModel {
  const names = new GraphBuilder(model);
  const facts = {
    typeOf,
    isConstant: isConstantIn(model),
    freshName: (hint: string) => names.freshName(hint),
  };
  const nodes = new Map<GraphNode, GraphNode>();
  for (const [node, rule] of rules) {
    const prepared = rule.prepare?.({ ...facts, node }) ?? node;
    if (prepared !== node) nodes.set(node, prepared);
  }
  if (nodes.size === 0) return { model, nodes };
  const graph = { ...model.graph, nodes: model.graph.nodes.map((node) => nodes.get(node) ?? node) };
  return { model: { ...model, graph }, nodes };
}

function isConstantIn({ graph: { initializers, inputs } }: Model): (name: string) => boolean {
  const fed = new Set(inputs.map((input) => input.name));
  return (name) => initializers.has(name) && !fed.has(name);
}

interface PassFacts extends Pick<GradientPath, 'typeOf' | 'active' | 'nodes'> {
  readonly differentiate: RuleContext['differentiate'];
}

/** Accumulates cotangents while the nodes are visited from the seeds backwards. */
class BackwardPass {
  readonly builder: GraphBuilder;
  private readonly facts: PassFacts;
  private readonly parts = new Map<string, string[]>();
  private readonly sums = new Map<string, string>();
  private readonly producers: ReadonlyMap<string, GraphNode>;
  private readonly constantOf: (name: string) => TensorValue | undefined;
  private readonly isConstant: (name: string) => boolean;

  constructor(model: Model, facts: PassFacts) {
    this.builder = new GraphBuilder(model);
    this.facts = facts;
    this.producers = new Map(facts.nodes.flatMap((node) => node.outputs.map((output) => [output, node])));
    this.constantOf = constantLookup(model);
    this.isConstant = isConstantIn(model);
  }

  seed({ value, cotangent }: Seed): void {
    this.accumulate(value, cotangent);
  }

  /** Returns the sum of everything that flowed into a value; asked once its consumers are done. */
  cotangentOf(value: string): string | undefined {
    const known = this.sums.get(value);
    if (known !== undefined) return known;
    const [first, ...rest] = joinPlaced(this.builder, this.parts.get(value) ?? []);
    if (first === undefined) return undefined;
    const sum = rest.reduce((total, part) => this.builder.node('Add', [total, part]), first);
    this.sums.set(value, sum);
    return sum;
  }

  through(node: GraphNode, rule: GradientRule): void {
    const outputCotangents = node.outputs.map((output) => this.cotangentOf(output));
    if (outputCotangents.every((cotangent) => cotangent === undefined)) return;
    const operands = operandsOf(node);
    const context: RuleContext = {
      node,
      builder: this.builder,
      outputCotangents,
      wants: (index) => this.facts.active.has(operands[index] ?? ''),
      isActive: (name) => this.facts.active.has(name),
      producerOf: (name) => this.producers.get(name),
      differentiate: this.facts.differentiate,
      typeOf: this.facts.typeOf,
      isConstant: this.isConstant,
      constantOf: this.constantOf,
    };
    rule.backward(context).forEach((cotangent, index) => {
      const input = operands[index];
      if (input === undefined || cotangent === undefined || !context.wants(index)) return;
      this.accumulate(input, this.shapedLike(input, cotangent, node));
    });
  }

  private shapedLike(input: string, cotangent: NonNullable<InputCotangent>, node: GraphNode): string {
    if (typeof cotangent === 'string') return cotangent;
    const type = this.facts.typeOf(input);
    const to = type.kind === 'tensor' ? type.shape : null;
    if (to === null || cotangent.shape === null) {
      throw gradientNeeds(node, `the ranks of "${input}" and its output`);
    }
    const elementType = type.kind === 'tensor' ? type.elementType : 'float32';
    const emit = new Emitter(this.builder, elementType);
    return unbroadcast(emit, { value: cotangent.value, from: cotangent.shape, target: input, to });
  }

  private accumulate(value: string, cotangent: string): void {
    const parts = this.parts.get(value);
    if (parts === undefined) this.parts.set(value, [cotangent]);
    else parts.push(cotangent);
  }
}
