import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import type { Alternative, WrittenToken } from '../../../engine/generation/generate.js';
import { prune } from '../../../engine/rewrites/prune.js';
import type { Feeds, Runtime } from '../../../engine/runtime/session.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import { pickFeeds } from '../sweep.js';
import type { LanguageTask } from './languageTask.js';
import { appendNext } from './tokenLoss.js';

/** What a row of tokens is read with. */
export interface ReadingRequest {
  readonly model: Model;
  readonly task: LanguageTask;
  readonly runtime: Runtime;
  /** One row. */
  readonly feeds: Feeds;
  readonly alternativeCount: number;
}

/**
 * Returns how sure a model is of each token of a row but the first, which nothing stands before; one run, in which the
 * vocabulary is folded inside the graph.
 */
export async function readTokens(request: ReadingRequest): Promise<readonly WrittenToken[]> {
  const { task, runtime, feeds } = request;
  const ids = feeds[task.ids];
  const length = ids?.dims[1] ?? 0;
  if (ids === undefined || length < 2) return [];
  const { outputs, model: reading } = readingGraph(request);
  const session = await runtime.open(reading, { purpose: 'probe' });
  try {
    const values = await session.run(pickFeeds(feeds, session));
    return tokensOf(values, outputs, toFloat64(ids).subarray(0, length));
  } finally {
    await session.close();
  }
}

interface ReadingOutputs {
  readonly own: string;
  readonly likelier: string;
  readonly entropy: string;
  readonly topLogs: string;
  readonly topIds: string;
}

function readingGraph({ model, task, alternativeCount }: ReadingRequest): {
  readonly model: Model;
  readonly outputs: ReadingOutputs;
} {
  const builder = new GraphBuilder(model);
  const wide = builder.cast(task.logits, dataTypeFacts('float32').code);
  const logs = builder.node('LogSoftmax', [wide], { attributes: { axis: -1 } });
  const ids = builder.cast(task.ids, dataTypeFacts('int64').code);
  const next = appendNext(builder, ids);
  const own = builder.node('GatherElements', [logs, builder.node('Unsqueeze', [next, builder.int64s([2])])], {
    attributes: { axis: 2 },
  });
  const more = builder.cast(builder.node('Greater', [logs, own]), dataTypeFacts('float32').code);
  const [topLogs, topIds] = ['ni/topLogs', 'ni/topIds'].map((name) => builder.freshName(name)) as [
    string,
    string,
  ];
  const count = Math.min(alternativeCount, task.vocabularySize ?? alternativeCount);
  builder.node('TopK', [logs, builder.int64s([count])], { outputs: [topLogs, topIds] });
  // −∞ · 0 is NaN: what cannot come has no part in the entropy.
  const shares = builder.node('Exp', [logs]);
  const terms = builder.node('Where', [
    builder.node('Greater', [shares, builder.scalar(0)]),
    builder.node('Mul', [shares, logs]),
    builder.scalar(0),
  ]);
  const outputs = {
    own,
    likelier: builder.reduce('ReduceSum', more, [2], false),
    entropy: builder.node('Neg', [builder.reduce('ReduceSum', terms, [2], false)]),
    topLogs,
    topIds,
  };
  for (const output of Object.values(outputs)) builder.addOutput(output);
  return { model: prune(builder.build(), Object.values(outputs)), outputs };
}

function tokensOf(
  values: Readonly<Record<string, TensorValue>>,
  outputs: ReadingOutputs,
  ids: Float64Array,
): WrittenToken[] {
  const read = (name: string): Float64Array => {
    const value = values[name];
    if (value === undefined) throw new Error(`The output ${name} of a reading is missing.`);
    return toFloat64(value);
  };
  const [own, likelier, entropy] = [read(outputs.own), read(outputs.likelier), read(outputs.entropy)];
  const [topLogs, topIds] = [read(outputs.topLogs), read(outputs.topIds)];
  const count = values[outputs.topIds]?.dims[2] ?? 0;
  return Array.from(ids.subarray(1), (id, at) => ({
    id,
    logProbability: own[at] ?? NaN,
    likelierCount: likelier[at] ?? NaN,
    entropy: entropy[at] ?? NaN,
    alternatives: Array.from({ length: count }, (_, place): Alternative => ({
      id: topIds[at * count + place] ?? -1,
      logProbability: topLogs[at * count + place] ?? NaN,
    })),
  }));
}
