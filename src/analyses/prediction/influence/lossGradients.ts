import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { differentiate } from '../../../engine/gradients/differentiate.js';
import { pushForward } from '../../../engine/gradients/forwardMode.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import { runAhead } from '../../../engine/runtime/lanes/runAhead.js';
import type { Feeds, Session } from '../../../engine/runtime/session.js';
import type { Loss } from '../../../engine/training/loss.js';
import { crossEntropy } from '../../../engine/training/losses/crossEntropy.js';
import { squaredError } from '../../../engine/training/losses/squaredError.js';
import type { Model, Tensor } from '../../../onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { fixedBatchSize, slotBatches } from '../../shared/fixedBatch.js';
import type { LearnedLayer } from '../../shared/learnedLayers.js';
import { withRowFeeds } from '../attribution/heldFeeds.js';
import type { Rows } from '../attribution/rows.js';
import type { ScoredModel } from './scoredModel.js';
import type { InfluenceSettings } from './settings.js';

/** Rows with their labels. */
export interface LabelledRows {
  readonly rows: Rows;
  readonly labels: Int32Array;
}

/** ∇L of one row by the weights of the chosen layers. */
export interface WeightGradient {
  /** By weight, shaped like it. */
  readonly tensors: ReadonlyMap<string, TensorValue>;
}

/** Gradients of a row's loss by weights, at one checkpoint. */
export interface LossGradients {
  gradientOf(at: LabelledRows, row: number): Promise<WeightGradient>;
  /** ‖∇L‖² of each row by layer, in the order of the layers; computed inside the graph. */
  squaredNorms(at: LabelledRows): AsyncIterable<Float64Array>;
  /** ⟨g, ∇L(row)⟩ for every row, a batch at a time. */
  products(gradient: WeightGradient, at: LabelledRows): Promise<Float64Array>;
  close(): Promise<void>;
}

/** What the gradients are of: scores, their loss, and the weights. */
export interface LossRequest extends ScoredModel {
  readonly layers: readonly LearnedLayer[];
  readonly loss: InfluenceSettings['loss'];
}

const targetName = 'ni/labels';

/**
 * Opens the gradients of a loss by the weights of some layers, row by row.
 *
 * ⟨g, ∇L_j⟩ = ⟨∂L_j/∂z_j, J_j g⟩ with z_j the scores of row j and J_j their Jacobian by the weights: g is pushed forward
 * through many rows at once, so that no gradient of a training row is ever formed. Losses are means over the rows of a run:
 * a run that holds one row over and over has that row's own gradient, and a run of n rows has ∂L_j/∂z_j / n.
 *
 * @throws UserError when an operator between weights and scores has no gradient.
 */
export async function openLossGradients(
  context: AnalysisContext,
  request: LossRequest,
): Promise<LossGradients> {
  const loss = lossOf(request);
  const backward = backwardGraphs(request, loss);
  const forward = forwardGraph(request, loss);
  const gradient = await context.runtime.open(backward.gradient);
  const product = await context.runtime.open(forward.model);
  return new OpenGradients(context, request, { backward, forward, sessions: { gradient, product } });
}

interface OpenedGraphs {
  readonly backward: BackwardGraphs;
  readonly forward: ForwardGraph;
  readonly sessions: { readonly gradient: Session; readonly product: Session; norms?: Session };
}

class OpenGradients implements LossGradients {
  private readonly context: AnalysisContext;
  private readonly request: LossRequest;
  private readonly opened: OpenedGraphs;

  constructor(context: AnalysisContext, request: LossRequest, opened: OpenedGraphs) {
    this.context = context;
    this.request = request;
    this.opened = opened;
  }

  async gradientOf(at: LabelledRows, row: number): Promise<WeightGradient> {
    const { backward, sessions } = this.opened;
    const outputs = await this.runAlone(sessions.gradient, at, row);
    return {
      tensors: new Map([...backward.gradients].map(([weight, name]) => [weight, outputOf(outputs, name)])),
    };
  }

  async *squaredNorms(at: LabelledRows): AsyncIterable<Float64Array> {
    const { backward, sessions } = this.opened;
    const session = (sessions.norms ??= await this.context.runtime.open(backward.norms));
    const runs = runAhead({
      session,
      items: Array.from({ length: at.rows.count }, (_, row) => row),
      feedsOf: (row) => this.feeds(session, at, { slots: this.alone(row) }),
    });
    throwIfAborted(this.context.signal);
    for await (const { outputs } of runs) {
      yield Float64Array.from(backward.normOutputs, (name) =>
        name === undefined ? 0 : (toFloat64(outputOf(outputs, name))[0] ?? NaN),
      );
      await yieldToEventLoop();
      throwIfAborted(this.context.signal);
    }
  }

  async products({ tensors }: WeightGradient, at: LabelledRows): Promise<Float64Array> {
    const { forward, sessions } = this.opened;
    const { signal, batchSize } = this.context;
    const { model } = this.request;
    const found = new Float64Array(at.rows.count);
    const own: Record<string, TensorValue> = {};
    for (const { weight, name } of forward.tangents) {
      const tensor = tensors.get(weight);
      if (tensor !== undefined) own[name] = tensor;
    }
    throwIfAborted(signal);
    const runs = runAhead({
      session: sessions.product,
      items: [...slotBatches(at.rows.count, { batchSize, model })],
      feedsOf: ({ slots }) => this.feeds(sessions.product, at, { slots, own }),
    });
    for await (const { item, outputs } of runs) {
      const { start, count, slots } = item;
      const values = toFloat64(outputOf(outputs, forward.product)).subarray(0, count);
      found.set(
        values.map((value) => value * slots.length),
        start,
      );
      await yieldToEventLoop();
      throwIfAborted(signal);
    }
    return found;
  }

  async close(): Promise<void> {
    const { gradient, product, norms } = this.opened.sessions;
    for (const session of [gradient, product, norms]) await session?.close();
  }

  /** A run that holds one row, as often as the model insists on. */
  private async runAlone(session: Session, at: LabelledRows, row: number): Promise<Feeds> {
    throwIfAborted(this.context.signal);
    const outputs = await session.run(this.feeds(session, at, { slots: this.alone(row) }));
    await yieldToEventLoop();
    return outputs;
  }

  /** One row, as often as the model insists on. */
  private alone(row: number): readonly number[] {
    return new Array<number>(fixedBatchSize(this.request.model) ?? 1).fill(row);
  }

  private feeds(
    session: Session,
    { rows, labels }: LabelledRows,
    { slots, own = {} }: { readonly slots: readonly number[]; readonly own?: Feeds },
  ): Feeds {
    const { loss, classCount } = this.request;
    const classes = slots.map((row) => labels[row] ?? 0);
    const target =
      loss === 'cross-entropy' ? int64Tensor(classes, [slots.length]) : numbersOf(classes, classCount);
    return withRowFeeds({ ...own, [targetName]: target }, rows, { session, rowOfPoint: slots });
  }
}

function lossOf({ scores, classCount, loss }: Pick<LossRequest, 'scores' | 'classCount' | 'loss'>): Loss {
  return loss === 'cross-entropy'
    ? crossEntropy({ logits: scores, classCount, labels: targetName })
    : squaredError({ output: scores, targets: targetName, reduction: 'sum-per-sample' });
}

/** Appends a loss with its targets and returns where its gradient starts. */
function appendLoss(builder: GraphBuilder, loss: Loss): ReturnType<Loss['append']> {
  for (const { name, type } of loss.targets) builder.addInput(name, type);
  return loss.append(builder);
}

interface BackwardGraphs {
  readonly gradient: Model;
  /** Output with the gradient, by weight; weights that the loss does not depend on are missing. */
  readonly gradients: ReadonlyMap<string, string>;
  readonly norms: Model;
  /** Output with ‖∇L‖² by layer. */
  readonly normOutputs: readonly (string | undefined)[];
}

function backwardGraphs({ model, types, layers }: LossRequest, loss: Loss): BackwardGraphs {
  const builder = new GraphBuilder(model);
  const { seeds } = appendLoss(builder, loss);
  const wrt = weightsOf(layers).map(({ name }) => name);
  const { model: differentiated, gradients } = differentiate(builder.build(), { seeds, wrt, types });
  const squared = new GraphBuilder(differentiated);
  const normOutputs = layers.map(({ weights }) => {
    const sums = weights.flatMap(({ name }) => {
      const gradient = gradients.get(name);
      if (gradient === undefined) return [];
      const sum = squared.node('ReduceSumSquare', [gradient], { attributes: { keepdims: 0 } });
      return [squared.cast(sum, 1)];
    });
    const [first, ...rest] = sums;
    return first === undefined ? undefined : rest.reduce((a, b) => squared.node('Add', [a, b]), first);
  });
  return {
    gradient: withOutputs(differentiated, [...gradients.values()]),
    gradients,
    norms: withOutputs(
      squared.build(),
      normOutputs.filter((name) => name !== undefined),
    ),
    normOutputs,
  };
}

interface ForwardGraph {
  readonly model: Model;
  /** Output with ⟨g, ∇L⟩ of each row, over the rows of the run. */
  readonly product: string;
  /** Input that g is fed to, by weight. */
  readonly tangents: readonly { readonly weight: string; readonly name: string }[];
}

function forwardGraph({ model, scores, types, layers }: LossRequest, loss: Loss): ForwardGraph {
  const builder = new GraphBuilder(model);
  const tangents = weightsOf(layers).map(({ name: weight, elementType, dims }, index) => {
    const type = { kind: 'tensor', elementType, shape: dims } as const;
    return { weight, name: builder.addInput(`ni/tangent/${String(index)}`, type) };
  });
  const pushed = pushForward(builder.build(), {
    tangents: tangents.map(({ weight, name }) => ({ value: weight, tangent: name })),
    outputs: [scores],
    types,
  });
  const moved = pushed.tangents.get(scores);
  if (moved === undefined) throw new Error('Layers that the scores do not depend on were to be left out.');
  const withLoss = new GraphBuilder(pushed.model);
  const [seed] = appendLoss(withLoss, loss).seeds;
  if (seed?.value !== scores) throw new Error('The loss was to start at the scores.');
  const product = withLoss.reduce('ReduceSum', withLoss.node('Mul', [seed.cotangent, moved]), [1], false);
  return { model: withOutputs(withLoss.build(), [product]), product, tangents };
}

function weightsOf(layers: readonly LearnedLayer[]): readonly Tensor[] {
  return [
    ...new Map(layers.flatMap(({ weights }) => weights).map((weight) => [weight.name, weight])).values(),
  ];
}

function withOutputs(model: Model, outputs: readonly string[]): Model {
  const builder = new GraphBuilder(model);
  builder.setOutputs(outputs);
  return prune(builder.build(), outputs);
}

/** Labels as the output should be: the number itself where there is one output, else 1 at the class and 0 elsewhere. */
function numbersOf(classes: readonly number[], classCount: number): TensorValue {
  const data = new Float32Array(classes.length * classCount);
  for (const [row, label] of classes.entries()) {
    if (classCount === 1) data[row] = label;
    else data[row * classCount + label] = 1;
  }
  return float32Tensor(data, [classes.length, classCount]);
}

function outputOf(outputs: Feeds, name: string): TensorValue {
  const value = outputs[name];
  if (value === undefined) throw new Error(`The runtime left out ${name}.`);
  return value;
}
