import { floatAttribute, type GraphNode, intAttribute } from '../../../onnx/model.js';
import type { Emitter } from '../../gradients/emitter.js';
import type { InputCotangent } from '../../gradients/gradientRule.js';
import { axesFrom } from '../../gradients/staticShapes.js';
import { changeOf, type Difference, ownAt, replay, shapedLike } from './differences.js';
import { isElementwise } from './elementwise.js';
import type { MultiplierRule } from './multiplierRules.js';
import type { ReferenceRun } from './referenceRun.js';

/** The change of a value in two parts: what its inputs add, and what they take away. */
interface Parts {
  readonly plus: string;
  readonly minus: string;
}

/**
 * RevealCancel: the parts Δz⁺ and Δz⁻ of what enters y = f(z) get multipliers of their own,
 *
 *   Δy⁺ = ½ (f(r + Δz⁺) − f(r)) + ½ (f(r + Δz⁻ + Δz⁺) − f(r + Δz⁻)), m⁺ = Δy⁺/Δz⁺, and alike for the negative part,
 *
 * so that inputs which cancel each other in z both show. The parts are those of the dense or convolution layer (or sum)
 * that makes z, which hands m⁺ to the inputs that added and m⁻ to those that took away. Elsewhere it is Rescale.
 *
 * Source: Shrikumar, Greenside & Kundaje (2017), "Learning Important Features Through Propagating Activation
 * Differences", section 3.5.3, https://arxiv.org/abs/1704.02685.
 */
export class RevealCancel {
  private readonly producers: ReadonlyMap<string, GraphNode>;
  /** By value: what must be added to its multiplier for those who added to it, and for those who took away. */
  private readonly corrections = new Map<string, Parts[]>();

  constructor(private readonly run: ReferenceRun) {
    const { nodes } = run.model.graph;
    this.producers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  }

  /** Passes multipliers through a node; undefined where the usual rule is all there is to do. */
  through(
    difference: Difference,
    varying: readonly number[],
    rule: MultiplierRule,
  ): readonly InputCotangent[] | undefined {
    const { node } = difference.context;
    const corrections = this.corrections.get(node.outputs[0] ?? '');
    if (corrections !== undefined) return this.throughLayer(difference, rule, corrections);
    if (!isElementwise(node, varying)) return undefined;
    const [z = ''] = node.inputs;
    const parts = this.partsOf(difference, z);
    return parts === undefined ? undefined : this.throughActivation(difference, rule, { z, parts });
  }

  private throughActivation(
    difference: Difference,
    rule: MultiplierRule,
    { z, parts }: { readonly z: string; readonly parts: Parts },
  ): readonly InputCotangent[] {
    const { emit, g, context, run } = difference;
    const rest = context.node.inputs.slice(1);
    const [rescaled] = rule(difference);
    const [y = ''] = context.node.outputs;
    if (rescaled === undefined) return [];
    const usual = shapedLike(difference, z, rescaled);
    const start = run.referenceOf(z);
    const at = (part: string): string => replay(difference, [emit.add(start, part), ...rest]);
    const [low, up, down] = [run.referenceOf(y), at(parts.plus), at(parts.minus)];
    const half = (first: string, second: string): string => emit.scale(emit.add(first, second), 0.5);
    const rise = half(emit.sub(up, low), emit.sub(y, down));
    const fall = half(emit.sub(down, low), emit.sub(y, up));
    const correction = (change: string, part: string): string => {
      const isPart = emit.greater(emit.node('Abs', [part]), emit.scalar(smallestPart));
      const own = emit.div(emit.mul(g, change), emit.where(isPart, part, emit.scalar(1)));
      return emit.where(isPart, emit.sub(own, usual), emit.scalar(0));
    };
    this.correct(z, { plus: correction(rise, parts.plus), minus: correction(fall, parts.minus) });
    return [usual];
  }

  private correct(value: string, parts: Parts): void {
    const known = this.corrections.get(value);
    if (known === undefined) this.corrections.set(value, [parts]);
    else known.push(parts);
  }

  private throughLayer(
    difference: Difference,
    rule: MultiplierRule,
    corrections: readonly Parts[],
  ): readonly InputCotangent[] {
    const { node } = difference.context;
    const usual = rule(difference);
    if (isMover(node) || isShift(difference)) {
      const index = this.run.varies(node.inputs[0] ?? '') ? 0 : 1;
      const input = node.inputs[index] ?? '';
      const back = (g: string): string => {
        const found = ownAt(difference, { inputs: node.inputs, g })[index];
        return found === undefined ? '' : shapedLike(difference, input, found);
      };
      for (const { plus, minus } of corrections) {
        this.correct(input, this.flipped(difference, { plus: back(plus), minus: back(minus) }));
      }
      return usual;
    }
    const { emit } = difference;
    const sum = (pick: (parts: Parts) => string): string =>
      corrections.map(pick).reduce((a, b) => emit.add(a, b));
    const parts = { plus: sum(({ plus }) => plus), minus: sum(({ minus }) => minus) };
    return node.inputs.map((input, index): InputCotangent => {
      const found = usual[index];
      if (found === undefined || !this.run.varies(input)) return found;
      return emit.add(
        shapedLike(difference, input, found),
        this.correctionOf(difference, { input, index, parts }),
      );
    });
  }

  /** A negative scale turns what was added into what was taken away. */
  private flipped({ context, emit }: Difference, parts: Parts): Parts {
    const { node } = context;
    if (node.opType !== 'BatchNormalization') return parts;
    const isPositive = emit.greater(
      perChannel(context.typeOf(node.inputs[0] ?? ''), emit, node.inputs[1] ?? ''),
      emit.scalar(0),
    );
    return {
      plus: emit.where(isPositive, parts.plus, parts.minus),
      minus: emit.where(isPositive, parts.minus, parts.plus),
    };
  }

  /** W⁺ᵀm⁺ + W⁻ᵀm⁻ for inputs that rose, W⁺ᵀm⁻ + W⁻ᵀm⁺ for those that fell, the mean for those that stayed. */
  private correctionOf(
    difference: Difference,
    { input, index, parts }: { readonly input: string; readonly index: number; readonly parts: Parts },
  ): string {
    const { context, emit } = difference;
    const { node } = context;
    const back = (weight: string | undefined, g: string): string => {
      const inputs =
        weight === undefined ? node.inputs : node.inputs.map((name, i) => (i === 1 ? weight : name));
      const found = ownAt(difference, { inputs, g, isFixed: true })[index];
      return found === undefined ? '' : shapedLike(difference, input, found);
    };
    const split = (first: string, second: string): string => {
      if (isSum(node)) return back(undefined, first);
      const weight = node.inputs[1] ?? '';
      return emit.add(back(positive(emit, weight), first), back(negative(emit, weight), second));
    };
    const rose = split(parts.plus, parts.minus);
    const fell = split(parts.minus, parts.plus);
    const change = changeOf(difference, input);
    const zero = emit.scalar(0);
    const stayed = emit.scale(emit.add(rose, fell), 0.5);
    return emit.where(emit.greater(change, zero), rose, emit.where(emit.less(change, zero), fell, stayed));
  }

  /** Returns the parts of a value's change, or undefined where what makes it is no layer, no sum and no mover of one. */
  private partsOf(difference: Difference, value: string): Parts | undefined {
    const node = this.producers.get(value);
    if (node === undefined || node.domain !== '') return undefined;
    const at: Difference = { ...difference, context: { ...difference.context, node } };
    if (isMover(node) || isShift(at)) return this.partsThrough(at);
    const { emit } = difference;
    if (isSum(node) && node.inputs.every((input) => this.run.varies(input))) {
      const changes = node.inputs.map((input) => changeOf(at, input));
      const sum = (part: (emit: Emitter, change: string) => string): string =>
        changes.map((change) => part(emit, change)).reduce((a, b) => emit.add(a, b));
      return { plus: sum(positive), minus: sum(negative) };
    }
    return isLayer(at) ? layerParts(at) : undefined;
  }

  private partsThrough(at: Difference): Parts | undefined {
    const { context, emit } = at;
    const { node } = context;
    const index = this.run.varies(node.inputs[0] ?? '') ? 0 : 1;
    const before = this.partsOf(at, node.inputs[index] ?? '');
    if (before === undefined || isShift(at)) return before;
    if (node.opType !== 'BatchNormalization') {
      const move = (part: string): string => replay(at, [part, ...node.inputs.slice(1)]);
      return { plus: move(before.plus), minus: move(before.minus) };
    }
    const [scale = '', , , variance = ''] = node.inputs.slice(1);
    const spread = emit.add(variance, emit.scalar(floatAttribute(node, 'epsilon', 1e-5)));
    const factor = perChannel(
      context.typeOf(node.inputs[0] ?? ''),
      emit,
      emit.div(scale, emit.node('Sqrt', [spread])),
    );
    return this.flipped(at, { plus: emit.mul(factor, before.plus), minus: emit.mul(factor, before.minus) });
  }
}

/** Parts smaller than this are rounding: dividing by them makes noise. */
const smallestPart = 1e-7;

const movers = new Set([
  'Identity',
  'Flatten',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'BatchNormalization',
]);

function isMover({ opType }: GraphNode): boolean {
  return movers.has(opType);
}

/** Adding what does not vary changes no difference. */
function isShift({ context, run }: Difference): boolean {
  const { opType, inputs } = context.node;
  const varying = inputs.filter((input) => run.varies(input));
  return varying.length === 1 && (opType === 'Add' || (opType === 'Sub' && varying[0] === inputs[0]));
}

function isSum({ opType }: GraphNode): boolean {
  return opType === 'Add' || opType === 'Sum';
}

const layers = new Set(['Conv', 'Gemm', 'MatMul']);

function isLayer({ context, run }: Difference): boolean {
  const { node } = context;
  const [x = '', ...weights] = node.inputs;
  const isTurned = node.opType === 'Gemm' && floatAttribute(node, 'alpha', 1) <= 0;
  return (
    layers.has(node.opType) &&
    run.varies(x) &&
    !weights.some((weight) => run.varies(weight)) &&
    !isTurned &&
    (node.opType !== 'Gemm' || intAttribute(node, 'transA', 0) === 0)
  );
}

/** Δz⁺ = W⁺Δx⁺ + W⁻Δx⁻, Δz⁻ = W⁺Δx⁻ + W⁻Δx⁺. */
function layerParts(at: Difference): Parts {
  const { context, emit } = at;
  const [x = '', weight = ''] = context.node.inputs;
  const change = changeOf(at, x);
  const [rise, fall] = [positive(emit, change), negative(emit, change)];
  const [up, down] = [positive(emit, weight), negative(emit, weight)];
  return {
    plus: emit.add(replay(at, [rise, up]), replay(at, [fall, down])),
    minus: emit.add(replay(at, [fall, up]), replay(at, [rise, down])),
  };
}

function positive(emit: Emitter, value: string): string {
  return emit.node('Relu', [value]);
}

function negative(emit: Emitter, value: string): string {
  return emit.node('Min', [value, emit.scalar(0)]);
}

function perChannel(type: ReturnType<Difference['context']['typeOf']>, emit: Emitter, value: string): string {
  const rank = type.kind === 'tensor' ? (type.shape?.length ?? 4) : 4;
  return emit.unsqueeze(value, axesFrom(1, rank - 1));
}
