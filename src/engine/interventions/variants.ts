import { topologicalOrder } from '../../onnx/graphIndex.js';
import type { GraphNode, Model } from '../../onnx/model.js';
import { batchSymbol } from '../../onnx/shapes/inferTypes.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { constantLookup } from '../gradients/constantLookup.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { type Intervention, regionsOf } from '../rewrites/intervene.js';
import { appendChange, type Change } from './change.js';
import { appendRegions } from './selection.js';
import { stackChanges } from './stackChanges.js';
import { hasBatch, obstacle, type Reach, reachOf, type Variant, type VariantFacts } from './variantReach.js';

/** A model that runs all variants at once, or why there is none. */
export type BatchedVariants =
  | {
      readonly kind: 'batched';
      /** Takes the original's inputs; what the variants change comes out as `[variants · N, …]`, variants outermost. */
      readonly model: Model;
      /** Each of the original's outputs in it, by its name there. */
      readonly outputs: ReadonlyMap<string, VariedOutput>;
    }
  | { readonly kind: 'impossible'; readonly reason: string };

/** Where an output of the original is found. */
export interface VariedOutput {
  readonly name: string;
  /** Whether it holds a batch for each variant; one without a batch is the same for all. */
  readonly isRepeated: boolean;
}

/**
 * Returns the model that does every variant in one run.
 *
 * What comes before the changed values is computed once; from there on the batch is repeated for each variant. That takes
 * a graph whose rows do not mix: every value behind a changed one has to keep the batch on its first axis.
 */
export function batchVariants(model: Model, variants: readonly Variant[], types: TypeTable): BatchedVariants {
  const order = topologicalOrder(model.graph);
  if (order.kind === 'cycle') return { kind: 'impossible', reason: 'its graph has a cycle' };
  const constantOf = constantLookup(model);
  const facts = { model, nodes: order.nodes, types, batch: batchSymbol(model), variants, constantOf };
  const changed = new Set(variants.flatMap((variant) => variant.map(({ value }) => value)));
  const reach = reachOf(facts, changed);
  const reason = obstacle(facts, { changed, reach });
  if (reason !== undefined) return { kind: 'impossible', reason };
  return new Laying(facts, reach).lay(changed);
}

/** Lays the graph anew: nodes out of reach as they are, those in reach on the repeated batch. */
class Laying {
  private readonly facts: VariantFacts;
  private readonly reach: Reach;
  private readonly builder: GraphBuilder;
  /** What nodes in reach read instead, by the original's name. */
  private readonly readAs = new Map<string, string>();

  constructor(facts: VariantFacts, reach: Reach) {
    const { model } = facts;
    this.facts = facts;
    this.reach = reach;
    this.builder = new GraphBuilder({ ...model, graph: { ...model.graph, nodes: [] } });
    for (const node of facts.nodes) for (const output of node.outputs) this.builder.freshName(output);
  }

  lay(changed: ReadonlySet<string>): Extract<BatchedVariants, { kind: 'batched' }> {
    const { graph } = this.facts.model;
    for (const input of graph.inputs) if (changed.has(input.name)) this.change(input.name);
    for (const node of this.facts.nodes) {
      this.builder.append(this.reach.nodes.has(node) ? this.repeated(node) : node);
      for (const output of node.outputs) if (changed.has(output)) this.change(output);
    }
    const outputs = new Map(
      graph.outputs.map(({ name }) => {
        const isRepeated = hasBatch(this.facts, name);
        return [name, { name: this.read(name), isRepeated }] as const;
      }),
    );
    this.builder.setOutputs([...new Set([...outputs.values()].map((output) => output.name))]);
    return { kind: 'batched', model: this.builder.build(), outputs };
  }

  private repeated(node: GraphNode): GraphNode {
    return { ...node, inputs: node.inputs.map((input) => (input === '' ? '' : this.read(input))) };
  }

  /** Returns the value as a node in reach reads it; a batch from outside is repeated when it is first read. */
  private read(value: string): string {
    const known = this.readAs.get(value);
    if (known !== undefined) return known;
    if (this.reach.values.has(value) || !hasBatch(this.facts, value)) return value;
    const repeated = this.repeat(value);
    this.readAs.set(value, repeated);
    return repeated;
  }

  /** [N, …] → [V·N, …] */
  private repeat(value: string): string {
    const { builder } = this;
    const one = builder.node('Unsqueeze', [value, builder.int64s([0])]);
    const shape = this.joined([builder.int64s([this.facts.variants.length]), builder.node('Shape', [value])]);
    return this.flat(builder.node('Expand', [one, shape]));
  }

  /** [V·N, …] → [V, N, …] */
  private view(value: string): string {
    const { builder } = this;
    const rest = builder.node('Shape', [value], { attributes: { start: 1 } });
    const shape = this.joined([builder.int64s([this.facts.variants.length, -1]), rest]);
    return builder.node('Reshape', [value, shape]);
  }

  /** [V, N, …] → [V·N, …] */
  private flat(value: string): string {
    const rest = this.builder.node('Shape', [value], { attributes: { start: 2 } });
    return this.builder.node('Reshape', [value, this.joined([this.builder.int64s([-1]), rest])]);
  }

  private joined(parts: readonly string[]): string {
    return this.builder.node('Concat', parts, { attributes: { axis: 0 } });
  }

  /** Lays what the variants do to a value that is there by now, in their order. */
  private change(value: string): void {
    const isOwn =
      this.reach.values.has(value) && [...this.reach.nodes].some((node) => node.outputs.includes(value));
    let current = this.view(isOwn ? value : this.repeat(value));
    const own = this.facts.variants.map((variant) => variant.filter((change) => change.value === value));
    const roundCount = Math.max(...own.map((changes) => changes.length));
    for (let round = 0; round < roundCount; round++) {
      const interventions = own.map((changes) => changes[round]);
      current = this.changeRound(current, interventions);
    }
    this.readAs.set(value, this.flat(current));
  }

  private changeRound(view: string, interventions: readonly (Intervention | undefined)[]): string {
    const rank = interventions.find((one) => one !== undefined)?.rank ?? 0;
    const stacked = stackChanges(
      interventions.map((one) => one?.change),
      rank,
    );
    if (stacked !== undefined) return this.changeView(view, { rank, change: stacked, interventions });
    // Each by itself: the others are left alone by the mask.
    return interventions.reduce<string>((current, one, index) => {
      if (one === undefined) return current;
      const alone = interventions.map((other, i) => (i === index ? other : undefined));
      return this.changeView(current, { rank, change: one.change, interventions: alone });
    }, view);
  }

  private changeView(
    view: string,
    {
      rank,
      change,
      interventions,
    }: { rank: number; change: Change; interventions: readonly (Intervention | undefined)[] },
  ): string {
    const { builder } = this;
    const read = (value: string): string => this.view(this.read(value));
    const changed = appendChange({ builder, value: view, rank, batchAxis: 1, read }, change);
    return builder.node('Where', [this.mask(view, interventions, rank), changed, view]);
  }

  /** [V, 1, …]: where each variant changes the value; the batch is never selected from. */
  private mask(view: string, interventions: readonly (Intervention | undefined)[], rank: number): string {
    const { builder } = this;
    const one = this.joined([
      builder.int64s([1, 1]),
      builder.node('Shape', [view], { attributes: { start: 2 } }),
    ]);
    const masks = interventions.map((intervention) => {
      const own = intervention === undefined ? this.never() : this.regions(view, intervention, rank);
      return builder.node('Expand', [own, one]);
    });
    return this.joined(masks);
  }

  private never(): string {
    return this.builder.constant({ dtype: 'bool', dims: [], data: Uint8Array.of(0) });
  }

  private regions(view: string, intervention: Intervention, rank: number): string {
    const shifted = regionsOf(intervention).map((region) =>
      region.map(({ axis, indices }) => ({ axis: axis < 0 ? axis : axis + 1, indices })),
    );
    return appendRegions(this.builder, { value: view, rank: rank + 1 }, shifted);
  }
}
