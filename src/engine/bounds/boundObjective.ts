import type { Dimension, GraphNode, Model } from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { differentiate } from '../gradients/differentiate.js';
import { Emitter, emitterFor } from '../gradients/emitter.js';
import { extendTypes } from '../gradients/extendTypes.js';
import {
  type GradientRule,
  type InputCotangent,
  type RuleContext,
  type Seed,
} from '../gradients/gradientRule.js';
import { madeBy, withoutDead } from '../gradients/liveNodes.js';
import { findRule } from '../gradients/ruleTable.js';
import { emitFlatScatter } from '../gradients/emitSelection.js';
import { axesFrom } from '../gradients/staticShapes.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { isAffine } from './affine.js';
import { boundUnsupported } from './boundErrors.js';
import type { Interval } from './intervalRule.js';
import { type Box, intervalPass, type IntervalPass } from './propagateIntervals.js';
import { type Line, relaxationOf, relaxed } from './relaxations.js';

/** Which sum is bounded: Σ ⟨coefficients, value⟩ per row of the batch, when every input lies anywhere in its box. */
export interface ObjectiveRequest {
  readonly boxes: readonly Box[];
  /** Values, and names of their coefficients, which have their shape: the first axis of both is the batch. */
  readonly objective: readonly Seed[];
  readonly types: TypeTable;
  /** Tighter intervals of inner values, as `refineIntervals` works them out. */
  readonly known?: ReadonlyMap<string, Interval>;
}

/** A model that also computes bounds of a sum, each [N]. */
export interface ObjectiveBounds {
  /** The given model with nodes appended; no new outputs. */
  readonly model: Model;
  /** By backward linear bounds, intersected with the interval's. */
  readonly lower: string;
  readonly upper: string;
  /** By interval arithmetic alone. */
  readonly interval: Interval;
}

/**
 * Returns the model with bounds of a weighted sum of its values appended, by linear bounds passed backwards (CROWN), with
 * interval arithmetic for what stands in front of the activations.
 *
 * The coefficients Λ of the sum go backwards through affine operators by the gradient's own rules. At an activation a they
 * meet a line below or above it, by their sign, and Λ·(line(z) − a(z)) joins the bound: with the values of the run itself,
 * the biases of all affine operators cancel. What has no line is held between constants. Sound up to float32 rounding, and
 * exact for affine models. The inputs of the run may be any point of the box.
 *
 * Source: Zhang et al. (2018), "Efficient Neural Network Robustness Certification with General Activation Functions",
 * eq. 5, https://arxiv.org/abs/1811.00866. Differs: the intervals in front of activations are refined by backward passes of
 * their own only where `known` gives them (`refineIntervals`).
 *
 * @throws UserError `bound-rule-missing`, `bound-form-unsupported`.
 */
export function boundObjective(model: Model, request: ObjectiveRequest): ObjectiveBounds {
  const values = request.objective.map(({ value }) => value);
  const pass = intervalPass(model, { ...request, values });
  const interval = intervalOfSum(pass, request.objective);
  let extended = pass.builder.build();
  const types = extendTypes(extended, pass.types);
  const ends: string[] = [];
  for (const sign of [1, -1]) {
    const side = new LinearSide(pass, { ...request, types }, sign);
    const { model: next, bound } = side.append(extended);
    extended = next;
    ends.push(bound);
  }
  const builder = new GraphBuilder(extended);
  const [low = '', most = ''] = ends;
  const high = builder.node('Neg', [most]);
  const lower = tighter(builder, 'Max', [low, interval.lower]);
  const upper = tighter(builder, 'Min', [high, interval.upper]);
  const read = [lower, upper, interval.lower, interval.upper];
  return { model: withoutDead(builder.build(), { own: madeBy(model), read }), lower, upper, interval };
}

/** Unbounded intervals make 0·∞: what is no number bounds nothing. */
function tighter(builder: GraphBuilder, opType: 'Max' | 'Min', bounds: readonly string[]): string {
  const nothing = builder.node('CastLike', [
    builder.scalar(opType === 'Max' ? -Infinity : Infinity),
    bounds[0] ?? '',
  ]);
  const known = bounds.map((bound) =>
    builder.node('Where', [builder.node('IsNaN', [bound]), nothing, bound]),
  );
  return builder.node(opType, known);
}

type Sized = readonly Dimension[];

function shapeIn(types: TypeTable, name: string): Sized | undefined {
  const type = types.get(name);
  return type?.kind === 'tensor' && type.shape !== null ? type.shape : undefined;
}

/** Σ over everything but the batch. */
function sumRows(emit: Emitter, value: string, rank: number): string {
  return emit.sum(value, axesFrom(1, rank), false);
}

/** Λ⁺·low + Λ⁻·high: the least that Λ·v can be. */
function least(emit: Emitter, coefficients: string, { lower, upper }: Interval): string {
  const zero = emit.scalar(0);
  return emit.add(
    emit.mul(emit.node('Max', [coefficients, zero]), lower),
    emit.mul(emit.node('Min', [coefficients, zero]), upper),
  );
}

function intervalOfSum(pass: IntervalPass, objective: readonly Seed[]): Interval {
  const ends = (['lower', 'upper'] as const).map((end) => {
    const parts = objective.map(({ value, cotangent }) => {
      const { lower, upper } = pass.intervalOf(value);
      const emit = new Emitter(pass.builder, elementTypeIn(pass.types, value));
      const rank = shapeIn(pass.types, value)?.length ?? 2;
      const flipped = end === 'lower' ? { lower, upper } : { lower: upper, upper: lower };
      return sumRows(emit, least(emit, cotangent, flipped), rank);
    });
    return parts.reduce((sum, part) => pass.builder.node('Add', [sum, part]));
  });
  return { lower: ends[0] ?? '', upper: ends[1] ?? '' };
}

function elementTypeIn(types: TypeTable, name: string): Emitter['elementType'] {
  const type = types.get(name);
  return type?.kind === 'tensor' ? type.elementType : 'float32';
}

/** One backward pass: the least that ±(the sum) can be. */
class LinearSide {
  /** Terms of the bound, each [N]. */
  private readonly terms: string[] = [];
  /** Results of operators that coefficients went through. */
  private readonly visited = new Set<string>();

  constructor(
    private readonly pass: IntervalPass,
    private readonly request: ObjectiveRequest,
    private readonly sign: number,
  ) {}

  append(model: Model): { readonly model: Model; readonly bound: string } {
    const { objective, boxes, types } = this.request;
    const signed = new GraphBuilder(model);
    const seeds = objective.map(({ value, cotangent }) => ({
      value,
      cotangent: this.sign > 0 ? cotangent : signed.node('Neg', [cotangent]),
    }));
    const wrt = boxes.map(({ value }) => value);
    const start = signed.build();
    const result = differentiate(start, {
      seeds,
      wrt,
      types,
      rules: this.rules(start),
      keeps: () => this.terms,
    });
    const builder = new GraphBuilder(result.model);
    for (const { value, cotangent } of seeds) this.startAt(builder, value, cotangent);
    for (const box of boxes) {
      const coefficients = result.gradients.get(box.value);
      if (coefficients !== undefined) this.endAt(builder, box, coefficients);
    }
    const bound = this.terms.reduce((sum, term) => builder.node('Add', [sum, term]));
    return { model: builder.build(), bound };
  }

  /** Every operator of the model goes backwards by what is right for bounds. */
  private rules(model: Model): readonly GradientRule[] {
    const operators = new Map(model.graph.nodes.map((node) => [`${node.domain}:${node.opType}`, node]));
    return [...operators.values()].map(({ opType, domain }) => ({
      opType,
      domain,
      opsets: [1, Infinity] as const,
      backward: (context) => this.through(context),
    }));
  }

  private through(context: RuleContext): readonly InputCotangent[] {
    const { node, builder } = context;
    for (const output of node.outputs) this.visited.add(output);
    const bounded = node.inputs.flatMap((name, i) => (this.pass.isBounded(name) ? [i] : []));
    // What depends on the box in steps (Floor, comparisons) has no coefficients: only its interval holds.
    const isFollowed = bounded.every((index) => context.wants(index));
    const own =
      isFollowed && isAffine(node, bounded)
        ? findRule(node, { overrides: [], opset: builder.opset })
        : undefined;
    if (own !== undefined) return own.backward(context);
    if (isFollowed && node.opType === 'MaxPool' && node.domain === '') return this.throughMaxPool(context);
    const relax = isFollowed && bounded.join() === '0' ? relaxationOf(node) : undefined;
    if (relax === undefined) {
      this.holdConstant(context);
      return [];
    }
    const [coefficients] = context.outputCotangents;
    const [z = ''] = node.inputs;
    if (coefficients === undefined) return [];
    const emit = emitterFor(context);
    const lines = relax(relaxed(context, emit, this.pass.intervalOf(z)));
    const isPositive = emit.node('GreaterOrEqual', [coefficients, emit.scalar(0)]);
    const line: Line = {
      slope: emit.where(isPositive, lines.below.slope, lines.above.slope),
      offset: emit.where(isPositive, lines.below.offset, lines.above.offset),
    };
    const at = emit.add(emit.mul(line.slope, z), line.offset);
    const change = emit.mul(coefficients, emit.sub(at, node.outputs[0] ?? ''));
    this.addTerm(context, emit, { of: node.outputs[0] ?? '', value: change });
    return [emit.mul(coefficients, line.slope)];
  }

  /** A maximum is no less than the element whose lower end is highest, and no more than its own upper end. */
  private throughMaxPool(context: RuleContext): readonly InputCotangent[] {
    const { node, builder } = context;
    const [coefficients] = context.outputCotangents;
    const [x = ''] = node.inputs;
    const [y = ''] = node.outputs;
    if (coefficients === undefined) return [];
    const emit = emitterFor(context);
    const positions = builder.freshName('ni/positions');
    const attributes = { ...Object.fromEntries(node.attributes), storage_order: 0 };
    const outputs = [builder.freshName('ni/MaxPool'), positions];
    builder.node('MaxPool', [this.pass.intervalOf(x).lower], { attributes, outputs });
    const chosen = emit.node('Gather', [emit.reshapeTo(x, [-1]), positions]);
    const held = least(emit, coefficients, { lower: chosen, upper: this.pass.intervalOf(y).upper });
    this.addTerm(context, emit, { of: y, value: emit.sub(held, emit.mul(coefficients, y)) });
    const positive = emit.node('Max', [coefficients, emit.scalar(0)]);
    return [emitFlatScatter(emit, { x, positions, g: positive })];
  }

  /** Λ·a ≥ Λ⁺·low + Λ⁻·high, whatever the operands do. */
  private holdConstant(context: RuleContext): void {
    const emit = emitterFor(context, context.node.outputs[0]);
    context.node.outputs.forEach((output, i) => {
      const coefficients = context.outputCotangents[i];
      if (coefficients === undefined) return;
      const held = least(emit, coefficients, this.pass.intervalOf(output));
      const change = emit.sub(held, emit.mul(coefficients, output));
      this.addTerm(context, emit, { of: output, value: change });
    });
  }

  private addTerm(
    context: RuleContext,
    emit: Emitter,
    { of, value }: { readonly of: string; readonly value: string },
  ): void {
    this.terms.push(sumRows(emit, value, this.rankBehindBatch(context.node, of)));
  }

  private rankBehindBatch(node: GraphNode, value: string): number {
    const shape = shapeIn(this.request.types, value);
    const [box] = this.request.boxes;
    const batch = box === undefined ? undefined : shapeIn(this.request.types, box.value)?.[0];
    if (shape === undefined || shape[0] !== batch) {
      throw boundUnsupported(node, 'a value whose first axis is not the batch');
    }
    return shape.length;
  }

  /** ⟨Λ, y⟩ at the run's own values. */
  private startAt(builder: GraphBuilder, value: string, coefficients: string): void {
    const emit = new Emitter(builder, elementTypeIn(this.request.types, value));
    const rank = shapeIn(this.request.types, value)?.length ?? 2;
    // What depends on the box in steps alone has its interval and nothing else.
    const isFollowed =
      !this.pass.isBounded(value) ||
      this.visited.has(value) ||
      this.request.boxes.some((box) => box.value === value);
    const term = isFollowed
      ? emit.mul(coefficients, value)
      : least(emit, coefficients, this.pass.intervalOf(value));
    this.terms.push(sumRows(emit, term, rank));
  }

  /** The least of Λ·(x′ − x) over the box. */
  private endAt(builder: GraphBuilder, { value, lower, upper }: Box, coefficients: string): void {
    const emit = new Emitter(builder, elementTypeIn(this.request.types, value));
    const rank = shapeIn(this.request.types, value)?.length ?? 2;
    const moved = { lower: emit.sub(lower, value), upper: emit.sub(upper, value) };
    this.terms.push(sumRows(emit, least(emit, coefficients, moved), rank));
  }
}
