import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { UserError } from '../../../base/errors.js';
import { differentiate } from '../../../engine/gradients/differentiate.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import type { Feeds, Session } from '../../../engine/runtime/session.js';
import type { Model } from '../../../onnx/model.js';
import { elementCountOf, float32Tensor, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { type CutValue, cutAt } from '../attribution/cut.js';
import { chooseOutput } from '../attribution/explained.js';
import { withRowFeeds } from '../attribution/heldFeeds.js';
import { fixedBatchSize, slotBatches } from '../../shared/fixedBatch.js';
import { type Rows } from '../attribution/rows.js';
import { takeRows } from '../../shared/tensorRows.js';
import { rowTypes } from '../attribution/rowTypes.js';

/** Points at which a model is attacked; each belongs to a row, from which all other inputs are taken. */
export interface Points {
  readonly rows: readonly number[];
  /** Values of the attacked input, point after point. */
  readonly values: Float32Array;
  /** Class per point whose score counts: the label, or the class wanted. */
  readonly classes: readonly number[];
}

/** Scores and, for gradients, the way that raises the others over the class of each point. */
export interface Answers {
  /** `[points, classes]`. */
  readonly scores: Float64Array;
  /** Like the points' values; empty where only scores were asked for. */
  readonly gradients: Float32Array;
}

/** A classifier under attack. */
export interface Victim {
  readonly classCount: number;
  /** Elements of one row of the attacked input. */
  readonly size: number;
  /** The output, in words. */
  readonly attacked: string;
  scores(points: Points): Promise<Float64Array>;
  /**
   * Returns scores and a positive multiple, point by point, of the gradient of the cross-entropy of each class.
   *
   * The multiple is 1 / (1 − p): for probabilities p of the class that round to one the gradient itself would vanish.
   */
  gradients(points: Points): Promise<Answers>;
  close(): Promise<void>;
}

/** What a victim is opened on. */
export interface VictimRequest {
  readonly model: Model;
  readonly rows: Rows;
  readonly input: CutValue;
  readonly output: string | null;
  readonly onBatch: (pointCount: number) => void;
}

const oneHotName = 'ni/classes';
const float32Code = 1;

/**
 * Opens a classifier for scores and gradients.
 *
 * @throws UserError `no-classes` when its output holds no scores of classes.
 */
export async function openVictim(given: AnalysisContext, request: VictimRequest): Promise<Victim> {
  const { rows } = request;
  const context = { ...given, model: request.model };
  const types = await rowTypes(context, rows);
  const { output, value, skipped } = chooseOutput(context.model, types, {
    output: request.output,
    explain: 'auto',
  });
  const graph = await scoreGraph(context, request, value);
  const { model, scores, classCount } = graph;
  const forward = await context.runtime.open(finish(model, [scores]));
  let backward: { readonly session: Session; readonly gradient: string } | undefined;
  const openBackward = async (): Promise<NonNullable<typeof backward>> => {
    const made = await backwardGraph(context, { ...graph, rows, request });
    backward = { session: await context.runtime.open(made.model), gradient: made.gradient };
    return backward;
  };
  const size = elementCountOf(request.input.dims);
  const run = runnerOf(context, { ...request, inputName: graph.inputName, size, classCount });
  return {
    classCount,
    size,
    attacked: `output "${output}"${skipped === undefined ? '' : `, before its ${skipped}`}`,
    scores: async (points) => (await run(forward, points, { scores })).scores,
    gradients: async (points) => {
      const { session, gradient } = backward ?? (await openBackward());
      return run(session, points, { scores, gradient });
    },
    close: async () => {
      await forward.close();
      await backward?.session.close();
    },
  };
}

/** A graph from the attacked input to scores of classes. */
interface ScoreGraph {
  readonly model: Model;
  readonly inputName: string;
  readonly scores: string;
  readonly classCount: number;
}

async function scoreGraph(
  context: AnalysisContext,
  request: VictimRequest,
  value: string,
): Promise<ScoreGraph> {
  const cut = cutAt(context.model, [request.input]);
  const [inputName = ''] = cut.inputNames;
  const builder = new GraphBuilder(cut.model);
  const raw = builder.node('Flatten', [builder.cast(value, float32Code)], { attributes: { axis: 1 } });
  const count = await scoreCount(context, { model: builder.build(), raw, rows: request.rows, request });
  if (count > 1) return { model: builder.build(), inputName, scores: raw, classCount: count };
  // One score of two classes stands for the second: a zero beside it is the first.
  const zeros = builder.node('Mul', [raw, builder.scalar(0)]);
  const scores = builder.node('Concat', [zeros, raw], { attributes: { axis: 1 } });
  return { model: builder.build(), inputName, scores, classCount: 2 };
}

function finish(model: Model, outputs: readonly string[]): Model {
  const builder = new GraphBuilder(model);
  builder.setOutputs(outputs);
  return prune(builder.build(), outputs);
}

/** Scores of a row: measured, since outputs may leave their sizes open. */
async function scoreCount(
  context: AnalysisContext,
  at: { readonly model: Model; readonly raw: string; readonly rows: Rows; readonly request: VictimRequest },
): Promise<number> {
  const session = await context.runtime.open(finish(at.model, [at.raw]), { purpose: 'probe' });
  try {
    const { request, rows } = at;
    const count = fixedBatchSize(request.model) ?? 1;
    const first = new Array<number>(count).fill(0);
    const feeds = Object.fromEntries(
      session.inputNames.map((name) => {
        const feed = rows.feeds[name] ?? rows.feeds[request.input.value];
        if (feed === undefined) throw new Error(`Nothing feeds ${name}.`);
        const taken = takeRows(feed, first);
        return [name, name in rows.feeds ? taken : float32Of(taken)];
      }),
    );
    const scores = (await session.run(feeds, [at.raw]))[at.raw];
    const width = (scores?.data.length ?? 0) / count;
    if (scores?.dims[0] !== count || width < 1 || width > 100_000) throw noClasses(scores?.dims ?? []);
    return width;
  } finally {
    await session.close();
  }
}

function float32Of(tensor: TensorValue): TensorValue {
  return float32Tensor(Float32Array.from(toFloat64(tensor)), tensor.dims);
}

async function backwardGraph(
  context: AnalysisContext,
  at: ScoreGraph & { readonly rows: Rows; readonly request: VictimRequest },
): Promise<{ readonly model: Model; readonly gradient: string }> {
  const feeds = { ...at.rows.feeds };
  const own = feeds[at.request.input.value];
  if (own !== undefined && at.inputName !== at.request.input.value) feeds[at.inputName] = float32Of(own);
  const types = await rowTypes({ ...context, model: at.model }, { ...at.rows, feeds });
  const builder = new GraphBuilder(at.model);
  const oneHot = builder.addInput(oneHotName, {
    kind: 'tensor',
    elementType: 'float32',
    shape: [null, at.classCount],
  });
  // d cross-entropy / d scores = p − y. Divided by 1 − p_y it is softmax over the others, − 1 at the class.
  const hidden = builder.node('Sub', [at.scores, builder.node('Mul', [oneHot, builder.scalar(1e30)])]);
  const others = builder.node('Softmax', [hidden], { attributes: { axis: 1 } });
  const cotangent = builder.node('Sub', [others, oneHot]);
  const result = differentiate(builder.build(), {
    seeds: [{ value: at.scores, cotangent }],
    wrt: [at.inputName],
    types,
  });
  const gradient = result.gradients.get(at.inputName);
  if (gradient === undefined) throw notDifferentiable(at.request.input.value);
  return { model: finish(result.model, [at.scores, gradient]), gradient };
}

type Run = (
  session: Session,
  points: Points,
  names: { readonly scores: string; readonly gradient?: string },
) => Promise<Answers>;

function runnerOf(
  context: AnalysisContext,
  at: VictimRequest & { readonly inputName: string; readonly size: number; readonly classCount: number },
): Run {
  return async (session, points, { scores, gradient }) => {
    const count = points.rows.length;
    const found = {
      scores: new Float64Array(count * at.classCount),
      gradients: new Float32Array(gradient === undefined ? 0 : count * at.size),
    };
    const { batchSize } = context;
    for (const { start, count: ownCount, slots } of slotBatches(count, { model: at.model, batchSize })) {
      throwIfAborted(context.signal);
      const outputs = await session.run(feedsOf(at, session, { points, slots }), [
        scores,
        ...(gradient === undefined ? [] : [gradient]),
      ]);
      const ofScores = toFloat64(tensorOf(outputs, scores)).subarray(0, ownCount * at.classCount);
      found.scores.set(ofScores, start * at.classCount);
      if (gradient !== undefined) {
        const ofGradient = toFloat64(tensorOf(outputs, gradient)).subarray(0, ownCount * at.size);
        found.gradients.set(ofGradient, start * at.size);
      }
      at.onBatch(ownCount);
      await yieldToEventLoop();
    }
    return found;
  };
}

function feedsOf(
  {
    rows,
    input,
    inputName,
    size,
    classCount,
  }: VictimRequest & {
    readonly inputName: string;
    readonly size: number;
    readonly classCount: number;
  },
  session: Session,
  { points, slots }: { readonly points: Points; readonly slots: readonly number[] },
): Feeds {
  const values = new Float32Array(slots.length * size);
  const oneHot = new Float32Array(slots.length * classCount);
  for (const [slot, point] of slots.entries()) {
    values.set(points.values.subarray(point * size, (point + 1) * size), slot * size);
    oneHot[slot * classCount + (points.classes[point] ?? 0)] = 1;
  }
  const feeds = {
    [inputName]: float32Tensor(values, [slots.length, ...input.dims]),
    [oneHotName]: float32Tensor(oneHot, [slots.length, classCount]),
  };
  return withRowFeeds(feeds, rows, { session, rowOfPoint: slots.map((point) => points.rows[point] ?? 0) });
}

function tensorOf(outputs: Readonly<Record<string, TensorValue>>, name: string): TensorValue {
  const tensor = outputs[name];
  if (tensor === undefined) throw new Error(`The runtime left out ${name}.`);
  return tensor;
}

function noClasses(dims: readonly number[]): UserError {
  return new UserError(
    'no-classes',
    `The attacked output has shape [${dims.join(', ')}] for one row, which holds no scores of classes. Attacks need a classifier: set output to its scores.`,
  );
}

function notDifferentiable(input: string): UserError {
  return new UserError(
    'not-connected',
    `The scores do not depend on ${input} through operators that have gradients. Use attack=square, which needs scores alone.`,
  );
}
