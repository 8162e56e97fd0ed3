import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import type { Quadrature } from '../../../engine/numeric/quadrature.js';
import { addScaled } from '../../../engine/numeric/vectors.js';
import { runAhead } from '../../../engine/runtime/lanes/runAhead.js';
import type { Session } from '../../../engine/runtime/session.js';
import { elementCountOf, float32Tensor, type TensorValue } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import type { CutValue } from './cut.js';
import { fixedBatchSize } from '../../shared/fixedBatch.js';
import { withHeldFeeds } from './heldFeeds.js';
import { type PathPlan, type PathRequest, planPaths, type RowGraph } from './pathPlan.js';
import { pointFeeds, runShape, type RunShape, takePaths } from './pathRuns.js';
import type { Rows } from './rows.js';

/** Straight paths: each belongs to a row, from which all other inputs are taken. */
export interface Paths {
  readonly count: number;
  rowOf(path: number): number;
  /** Writes one coordinate tensor of a path's start. */
  writeStart(path: number, coordinate: number, target: Float32Array): void;
  /** Writes one coordinate tensor of a path's end. */
  writeEnd(path: number, coordinate: number, target: Float32Array): void;
}

/** What came out for one path and one site; the array is only valid during the visit. */
export interface PathResult {
  readonly path: number;
  readonly site: number;
  readonly gradient: Float64Array;
}

/** Gradients of the explained number f summed along straight paths, inside the graph. */
export interface PathField {
  /** Visits Σₖ wₖ ∂f/∂site (start + αₖ (end − start)), path by path in order. */
  gradients(paths: Paths, rule: Quadrature, visit: (result: PathResult) => void): Promise<void>;
  close(): Promise<void>;
}

/** What a path field is opened for. */
export interface PathFieldRequest extends PathRequest {
  readonly rows: Rows;
  /** Called after every batch with the number of points in it. */
  onBatch(pointCount: number): void;
}

/** Opens the graphs that sum gradients along paths; sessions are created when first used. */
export function openPaths(context: AnalysisContext, request: PathFieldRequest): PathField {
  const plan = planPaths(request);
  const sessions = sessionsOf(context);
  const run: PathRun = { context, request, plan, open: (graph) => sessions.open(graph) };
  return {
    async gradients(paths, rule, visit) {
      const shape = runShape(rule.points.length, context.batchSize, fixedBatchSize(request.model));
      // Both ends of the paths that are held at once make up one batch.
      const held = Math.max(shape.pathCount, Math.floor(context.batchSize / 2));
      for (let first = 0; first < paths.count; first += held) {
        const count = Math.min(held, paths.count - first);
        const group = { first, count, rows: Array.from({ length: count }, (_, i) => paths.rowOf(first + i)) };
        const ends = await endsOf(run, paths, group);
        const sums = await sumsAlong(run, { group, ends: ends.front, rule, shape });
        const gradients = await pulledBackSums(run, { group, sums, ends: ends.coordinates });
        for (let i = 0; i < count; i++) {
          for (const [site, all] of gradients.entries()) {
            const size = all.length / count;
            visit({ path: first + i, site, gradient: all.subarray(i * size, (i + 1) * size) });
          }
        }
      }
    },
    close: () => sessions.close(),
  };
}

interface PathRun {
  readonly context: AnalysisContext;
  readonly request: PathFieldRequest;
  readonly plan: PathPlan;
  open(graph: Pick<RowGraph, 'model'>): Promise<Session>;
}

/** Paths whose ends are held at once. */
interface Group {
  readonly first: number;
  readonly count: number;
  readonly rows: readonly number[];
}

function sessionsOf(context: AnalysisContext): {
  open(graph: Pick<RowGraph, 'model'>): Promise<Session>;
  close(): Promise<void>;
} {
  const opened = new Map<Pick<RowGraph, 'model'>, Promise<Session>>();
  return {
    open(graph) {
      const session = opened.get(graph) ?? context.runtime.open(graph.model);
      opened.set(graph, session);
      return session;
    },
    async close() {
      for (const session of opened.values()) await (await session).close();
    },
  };
}

/** Both ends of the paths of a group, `[count, 2, elements]` by coordinate and by front value. */
async function endsOf(
  run: PathRun,
  paths: Paths,
  group: Group,
): Promise<{ readonly coordinates: readonly Float32Array[]; readonly front: readonly Float32Array[] }> {
  const coordinates = run.request.coordinates.map(({ dims }, coordinate) => {
    const size = elementCountOf(dims);
    const ends = new Float32Array(group.count * 2 * size);
    for (let i = 0; i < group.count; i++) {
      const at = 2 * i * size;
      paths.writeStart(group.first + i, coordinate, ends.subarray(at, at + size));
      paths.writeEnd(group.first + i, coordinate, ends.subarray(at + size, at + 2 * size));
    }
    return ends;
  });
  const { toFront } = run.plan;
  if (toFront === undefined) return { coordinates, front: coordinates };
  const feeds = coordinates.map((ends, i) => rowsTensor(ends, run.request.coordinates[i], 2 * group.count));
  const front = await runRows(run, toFront, { feeds, rowOfPoint: group.rows.flatMap((row) => [row, row]) });
  return { coordinates, front };
}

interface Along {
  readonly group: Group;
  /** By front value, `[count, 2, elements]`. */
  readonly ends: readonly Float32Array[];
  readonly rule: Quadrature;
  readonly shape: RunShape;
}

/** Some paths of a group, and the first of the steps that one run takes along them. */
interface Stretch {
  readonly start: number;
  readonly count: number;
  /** Paths of the run, the last one repeated where the batch is fixed. */
  readonly slots: readonly number[];
  readonly step: number;
}

function stretchesOf(group: Group, rule: Quadrature, shape: RunShape): readonly Stretch[] {
  const stretches: Stretch[] = [];
  for (let start = 0; start < group.count; start += shape.pathCount) {
    const count = Math.min(shape.pathCount, group.count - start);
    const slots = Array.from(
      { length: shape.isFixed ? shape.pathCount : count },
      (_, i) => start + Math.min(i, count - 1),
    );
    for (let step = 0; step < rule.points.length; step += shape.stepCount) {
      stretches.push({ start, count, slots, step });
    }
  }
  return stretches;
}

/** Weighted sums of the gradients, `[count, elements]` by site that has gradients. */
async function sumsAlong(
  run: PathRun,
  { group, ends, rule, shape }: Along,
): Promise<readonly Float64Array[]> {
  const { context, request, plan } = run;
  const outputs = plan.along.sums.filter((sum) => sum !== undefined);
  const session = await run.open(plan.along);
  const sums: Float64Array[] = [];
  throwIfAborted(context.signal);
  const runs = runAhead({
    session,
    items: stretchesOf(group, rule, shape),
    feedsOf: ({ slots, step }) => {
      const points = pointFeeds(rule, step, shape);
      const rowOfPoint = slots.flatMap((slot) => new Array<number>(points.count).fill(group.rows[slot] ?? 0));
      const own: Record<string, TensorValue> = { ...points.feeds };
      for (const [i, all] of ends.entries()) {
        own[plan.along.endNames[i] ?? ''] = takePaths(all, slots, group.count);
      }
      return withHeldFeeds(own, request, { session, rowOfPoint });
    },
    outputNames: outputs,
  });
  for await (const { item, outputs: results } of runs) {
    const { start, count, slots, step } = item;
    for (const [i, name] of outputs.entries()) {
      const found = elementsOf(results[name]);
      const size = found.length / slots.length;
      const sum = (sums[i] ??= new Float64Array(group.count * size));
      addScaled(sum.subarray(start * size, (start + count) * size), found, 1);
    }
    request.onBatch(count * Math.min(shape.stepCount, rule.points.length - step));
    await yieldToEventLoop();
    throwIfAborted(context.signal);
  }
  return sums;
}

interface Sums {
  readonly group: Group;
  readonly sums: readonly Float64Array[];
  /** By coordinate, `[count, 2, elements]`. */
  readonly ends: readonly Float32Array[];
}

/** The sums at the coordinates, `[count, elements]` by coordinate: those of the front, pulled back where it lies behind. */
async function pulledBackSums(run: PathRun, { group, sums, ends }: Sums): Promise<readonly Float64Array[]> {
  const { request, plan } = run;
  const { pullBack } = plan;
  if (pullBack === undefined) return sums;
  const reached = plan.front.filter((_, i) => plan.along.sums[i] !== undefined);
  // Only sizes of the coordinates are read: any of the rows will do.
  const feeds = [
    ...ends.map((all, i) => rowsTensor(all.subarray(0, all.length / 2), request.coordinates[i], group.count)),
    ...sums.map((sum, i) => rowsTensor(Float32Array.from(sum), reached[i], group.count)),
  ];
  const gradients = await runRows(run, pullBack, { feeds, rowOfPoint: group.rows });
  return gradients.map((gradient) => Float64Array.from(gradient));
}

function rowsTensor(data: Float32Array, value: CutValue | undefined, rowCount: number): TensorValue {
  return float32Tensor(data, [rowCount, ...(value?.dims ?? [])]);
}

async function runRows(
  run: PathRun,
  graph: RowGraph,
  rows: { readonly feeds: readonly TensorValue[]; readonly rowOfPoint: readonly number[] },
): Promise<Float32Array[]> {
  const session = await run.open(graph);
  const own = Object.fromEntries(rows.feeds.map((feed, i) => [graph.inputNames[i] ?? '', feed]));
  const feeds = withHeldFeeds(own, run.request, { session, rowOfPoint: rows.rowOfPoint });
  const results = await session.run(feeds, graph.outputs);
  return graph.outputs.map((name) => elementsOf(results[name]));
}

function elementsOf(tensor: TensorValue | undefined): Float32Array {
  if (tensor?.data instanceof Float32Array) return tensor.data;
  throw new Error('The runtime left out a float32 output it was asked for.');
}
