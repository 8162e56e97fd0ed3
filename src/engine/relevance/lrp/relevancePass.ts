import { type GraphIndex, indexGraph } from '../../../onnx/graphIndex.js';
import { bodiesOf, type GraphNode, type Model } from '../../../onnx/model.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import { differentiate } from '../../gradients/differentiate.js';
import { Emitter, emitterFor } from '../../gradients/emitter.js';
import { extendTypes } from '../../gradients/extendTypes.js';
import type { GradientRule, InputCotangent, RuleContext } from '../../gradients/gradientRule.js';
import { axesFrom } from '../../gradients/staticShapes.js';
import { GraphBuilder } from '../../graph/graphBuilder.js';
import type { BackwardPass, BackwardRequest, BackwardResult } from '../backwardPass.js';
import { withoutComposites } from '../coreModel.js';
import { interposed } from '../interpose.js';
import { OperatorNames } from '../operatorNames.js';
import { type LayerEnd, layerEnds } from './layerEnds.js';
import { layerRelevance } from './layerRelevance.js';
import type { LayerRule, LayerRules } from './layerRule.js';
import { operatorRelevance } from './operatorRelevance.js';
import { weightedLayer, type WeightedLayer } from './weightedLayer.js';

/**
 * Returns the backward pass of layer-wise relevance propagation: every value gets a relevance, the explained one its own
 * value, and hands it to its operands by the rule of its operator.
 *
 * What flows is relevance over value, c with R = value · c, so that nothing is divided by values near 0. The scores at a
 * site are R; the one term is what layers lost to biases and ε. Operators without a rule are named in `withoutRule` and
 * send the gradient on.
 */
export function relevancePass(rules: LayerRules): BackwardPass {
  return {
    id: `lrp-${JSON.stringify(rules)}`,
    append: (model, request) => new RelevancePass(rules, request).append(model),
  };
}

class RelevancePass {
  private readonly names = new OperatorNames();
  /** Relevance that does not depend on the value that gets it, by value. */
  private readonly extras = new Map<string, string[]>();
  /** What each layer lost, [N]. */
  private readonly losses: string[] = [];
  private ends: ReadonlyMap<GraphNode, LayerEnd> = new Map();
  private folded: ReadonlySet<GraphNode> = new Set();
  private index: GraphIndex | undefined;
  /** The graph that is being extended; bodies have others, in which no sums are kept. */
  private main: GraphBuilder | undefined;

  constructor(
    private readonly rules: LayerRules,
    private readonly request: BackwardRequest,
  ) {}

  append(model: Model): BackwardResult {
    const { seeds, wrt, types: known } = this.request;
    const core = withoutComposites(model, known);
    const types = core === model ? known : extendTypes(core, known);
    this.index = indexGraph(core.graph);
    this.ends = layerEnds(core, new Set([...wrt, ...seeds.map(({ value }) => value)]));
    this.folded = new Set([...this.ends.values()].flatMap(({ normalization: node }) => node ?? []));
    const rules = interposed((own, context) => this.through(own, context));
    const result = differentiate(core, {
      seeds,
      wrt,
      types,
      rules,
      keeps: () => [...this.losses, ...[...this.extras.values()].flat()],
    });
    const builder = new GraphBuilder(result.model);
    const scores = new Map<string, string>();
    for (const [site, multiplier] of result.gradients) {
      scores.set(site, this.relevanceAt(builder, types, { site, multiplier }));
    }
    const [first, ...rest] = this.losses;
    const lost =
      first === undefined ? [] : [rest.reduce((sum, loss) => builder.node('Add', [sum, loss]), first)];
    return { model: builder.build(), scores, references: [], terms: lost, withoutRule: this.names.list };
  }

  private relevanceAt(
    builder: GraphBuilder,
    types: TypeTable,
    { site, multiplier }: { readonly site: string; readonly multiplier: string },
  ): string {
    const type = types.get(site);
    const emit = new Emitter(builder, type?.kind === 'tensor' ? type.elementType : 'float32');
    const own = emit.mul(site, multiplier);
    return (this.extras.get(site) ?? []).reduce((sum, extra) => emit.add(sum, extra), own);
  }

  private through(own: GradientRule, context: RuleContext): readonly InputCotangent[] {
    const { node, outputCotangents, builder } = context;
    this.main ??= builder;
    const [g] = outputCotangents;
    // One with the layer in front of it, which multiplies by its scale.
    if (this.folded.has(node) && g !== undefined) return [g];
    const varying = node.inputs.flatMap((_, index) => (context.wants(index) ? [index] : []));
    const end = this.ends.get(node) ?? { value: node.outputs[0] ?? '', normalization: undefined };
    const isLayer = isLayerOperator(node) && g !== undefined && varying.length === 1;
    const layer = isLayer ? weightedLayer(own, context, { end, multiplier: g }) : undefined;
    if (layer !== undefined) return this.throughLayer(layer, context);
    const step = { own, context, varying, gateStrength: (value: string) => this.gateStrength(value, 0) };
    const rule = bodiesOf(node).length > 0 || varying.length === 0 ? undefined : operatorRelevance(step);
    if (rule === undefined) this.names.add(node);
    if (rule !== undefined && g !== undefined && isPool(node)) {
      return rule({ ...step, context: { ...context, outputCotangents: [this.dampedAtPool(context, g)] } });
    }
    return rule?.(step) ?? own.backward(context);
  }

  private throughLayer(layer: WeightedLayer, context: RuleContext): readonly InputCotangent[] {
    const { emit, input, value, multiplier } = layer;
    const { multiplier: passed, extra } = layerRelevance(layer, this.ruleFor(layer));
    if (extra !== undefined) this.extras.set(input, [...(this.extras.get(input) ?? []), extra]);
    const arrived = emit.mul(value, multiplier);
    const left = extra === undefined ? emit.mul(input, passed) : emit.add(emit.mul(input, passed), extra);
    this.keepLoss(context, { arrived, left, input, value });
    const index = context.wants(0) ? 0 : 1;
    return index === 0 ? [passed] : [undefined, passed];
  }

  private keepLoss(
    context: RuleContext,
    { arrived, left, input, value }: Readonly<Record<'arrived' | 'left' | 'input' | 'value', string>>,
  ): void {
    if (context.builder !== this.main) return;
    const emit = emitterFor(context);
    const rankOf = (name: string): number | undefined => {
      const type = context.typeOf(name);
      return type.kind === 'tensor' ? type.shape?.length : undefined;
    };
    const [before, after] = [rankOf(value), rankOf(input)];
    if (before === undefined || after === undefined) return;
    const sum = (relevance: string, rank: number): string => emit.sum(relevance, axesFrom(1, rank), false);
    this.losses.push(emit.sub(sum(arrived, before), sum(left, after)));
  }

  private ruleFor({ isConvolution, input }: WeightedLayer): LayerRule {
    const { convolution, dense, first } = this.rules;
    if (!isConvolution) return dense;
    return first !== undefined && this.request.coordinates.includes(input) ? first : convolution;
  }

  private dampedAtPool(context: RuleContext, g: string): string {
    const { poolEpsilon } = this.rules;
    if (poolEpsilon === 0) return g;
    const emit = emitterFor(context);
    const size = emit.node('Abs', [context.node.outputs[0] ?? '']);
    return emit.mul(g, emit.div(size, emit.add(size, emit.scalar(poolEpsilon))));
  }

  /** Looks for a squashing function through what only scales, shifts, reshapes or copies its value. */
  private gateStrength(value: string, depth: number): number {
    const node = this.index?.producerOf(value);
    if (node === undefined || depth > maxGateDepth) return 0;
    const strength = squashing.get(node.opType);
    if (strength !== undefined) return strength;
    return passing.has(node.opType) ? this.gateStrength(node.inputs[0] ?? '', depth + 1) : 0;
  }
}

/** Scaling and shifting around one squashing function is not longer than this. */
const maxGateDepth = 6;

/** A recurrent cell multiplies tanh, its signal, with a sigmoid, its gate; alone, as in GELU, tanh is a gate too. */
const squashing: ReadonlyMap<string, number> = new Map([
  ['Sigmoid', 2],
  ['HardSigmoid', 2],
  ['Softmax', 2],
  ['Erf', 2],
  ['Tanh', 1],
]);

const passing = new Set([
  'Add',
  'Mul',
  'Div',
  'Reshape',
  'Expand',
  'Unsqueeze',
  'Squeeze',
  'Transpose',
  'Identity',
  'Cast',
]);

function isLayerOperator({ opType, domain }: GraphNode): boolean {
  return domain === '' && ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].includes(opType);
}

function isPool({ opType, domain }: GraphNode): boolean {
  return domain === '' && (opType === 'MaxPool' || opType === 'AveragePool');
}
