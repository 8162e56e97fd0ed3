import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { prune } from '../../../engine/rewrites/prune.js';
import { tap } from '../../../engine/rewrites/tap.js';
import { PlanRunner } from '../../../engine/straightLine/runPlan.js';
import { splitControlFlow } from '../../../engine/straightLine/splitControlFlow.js';
import type { Feeds, Session } from '../../../engine/runtime/session.js';
import type { TensorValue } from '../../../onnx/tensorValue.js';
import type { Batch, Dataset } from '../../../data/dataset.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import type { AnalysisContext } from '../../analysis.js';
import type { Router } from './routers.js';
import { addSample, noUsage, type SampleUsage, type Usage, usageOfBatch } from './usage.js';

/** What is measured. */
export interface UsageRequest {
  readonly routers: readonly Router[];
  readonly hasBranches: boolean;
  /** Weights above this use their module, where the graph does not choose. */
  readonly threshold: number;
  onBatch(usages: readonly Usage[]): void;
}

/** Returns how the modules behind routers and Ifs are used by the data. */
export async function measureUsage(
  context: AnalysisContext,
  data: Dataset,
  request: UsageRequest,
): Promise<readonly Usage[]> {
  const { routers, hasBranches } = request;
  const share = routers.length === 0 ? 0 : hasBranches ? 0.5 : 1;
  const routed =
    routers.length === 0 ? [] : await measureRouters(context, data, { ...request, begin: 0, width: share });
  if (!hasBranches) return routed;
  return [
    ...routed,
    ...(await measureBranches(context, data, { ...request, begin: share, width: 1 - share })),
  ];
}

interface Piece extends UsageRequest {
  /** Its piece of the progress bar. */
  readonly begin: number;
  readonly width: number;
}

async function measureRouters(context: AnalysisContext, data: Dataset, request: Piece): Promise<Usage[]> {
  const { model, runtime, batchSize, signal } = context;
  const { routers, threshold } = request;
  const values = [
    ...new Set(
      routers.flatMap(({ weights, chosen }) => [weights, ...(chosen === undefined ? [] : [chosen])]),
    ),
  ];
  const given = new Set(model.graph.inputs.map(({ name }) => name));
  const tapped = tap(
    model,
    values.filter((value) => !given.has(value)),
    inferTypes(model),
  );
  const names = [...tapped.outputs.values()];
  const session = names.length === 0 ? undefined : await runtime.open(prune(tapped.model, names));
  const usages = routers.map(({ name, kind, moduleCount }) =>
    noUsage(
      name,
      kind,
      Array.from({ length: moduleCount }, (_, index) => `${name}[${String(index)}]`),
    ),
  );
  try {
    for await (const batch of data.batches({ batchSize, ...limitOf(context) }, signal)) {
      const made = session === undefined ? {} : await session.run(feedsOf(session, batch));
      const valueOf = (name: string): TensorValue | undefined =>
        made[tapped.outputs.get(name) ?? ''] ?? batch.feeds[name];
      for (const [index, router] of routers.entries()) {
        const usage = usages[index];
        if (usage !== undefined) addBatch(usage, { router, valueOf, threshold, labels: batch.labels });
      }
      await tell(context, data, request, usages);
    }
    return usages;
  } finally {
    await session?.close();
  }
}

function feedsOf({ inputNames }: Session, { feeds }: Batch): Feeds {
  return Object.fromEntries(Object.entries(feeds).filter(([name]) => inputNames.includes(name)));
}

/** A batch as one router sees it. */
interface RoutedBatch {
  readonly router: Router;
  readonly valueOf: (name: string) => TensorValue | undefined;
  readonly threshold: number;
  readonly labels: Int32Array | undefined;
}

function addBatch(usage: Usage, { router, valueOf, threshold, labels }: RoutedBatch): void {
  const weights = valueOf(router.weights);
  if (weights === undefined) return;
  const chosen = router.chosen === undefined ? undefined : valueOf(router.chosen);
  for (const [row, sample] of usageOfBatch(router, { weights, chosen }, threshold).entries()) {
    addSample(usage, sample, labels?.[row]);
  }
}

/** A condition belongs to a run, so every sample runs alone. */
async function measureBranches(context: AnalysisContext, data: Dataset, request: Piece): Promise<Usage[]> {
  const { model, runtime, signal } = context;
  const split = splitControlFlow(model);
  const runner = new PlanRunner(model, split, runtime);
  const usages = split.points.map(({ name }) => noUsage(name, 'branches', [`${name} false`, `${name} true`]));
  try {
    for await (const { feeds, labels } of data.batches({ batchSize: 1, ...limitOf(context) }, signal)) {
      const times = usages.map(() => new Float64Array(2));
      await runner.run(feeds, ({ id }, isTrue) => {
        const own = times[id];
        if (own !== undefined) own[isTrue ? 1 : 0] = (own[isTrue ? 1 : 0] ?? 0) + 1;
      });
      for (const [id, usage] of usages.entries()) {
        addSample(usage, branchUsage(times[id] ?? new Float64Array(2)), labels?.[0]);
      }
      await tell(context, data, request, usages);
    }
    return usages;
  } finally {
    await runner.close();
  }
}

function branchUsage(times: Float64Array): SampleUsage {
  const used = new Set([...times.keys()].filter((side) => (times[side] ?? 0) > 0));
  return { mass: times, positionCount: times.reduce((sum, count) => sum + count, 0), used };
}

async function tell(
  context: AnalysisContext,
  data: Dataset,
  request: Piece,
  usages: readonly Usage[],
): Promise<void> {
  const total = Math.min(data.sampleCount, context.limit ?? Infinity);
  const done = usages[0]?.sampleCount ?? 0;
  request.onBatch(usages);
  context.progress({
    fractionDone: request.begin + (request.width * done) / Math.max(1, total),
    message: `Counting modules (${done.toLocaleString('en')} of ${total.toLocaleString('en')} samples)`,
  });
  await yieldToEventLoop();
  throwIfAborted(context.signal);
}

function limitOf({ limit }: AnalysisContext): { limit?: number } {
  return limit === undefined ? {} : { limit };
}
