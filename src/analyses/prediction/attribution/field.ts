import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { runAhead } from '../../../engine/runtime/lanes/runAhead.js';
import type { Feeds, Session } from '../../../engine/runtime/session.js';
import { elementCountOf, float32Tensor, toFloat64, type TensorValue } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { slotBatches } from '../../shared/fixedBatch.js';
import { type FieldGraph, planField, type PlanRequest } from './fieldPlan.js';
import { withHeldFeeds } from './heldFeeds.js';
import type { Rows } from './rows.js';

/** Points at which the model is evaluated: each belongs to a row, from which all other inputs are taken. */
export interface PointSource {
  readonly count: number;
  rowOf(point: number): number;
  /**
   * Writes the values of one coordinate tensor of a point; for a backward pass with a reference, coordinates counted on
   * from the last are those of the reference.
   */
  write(point: number, coordinate: number, target: Float32Array): void;
}

/** What came out at one point and one site; the arrays are only valid during the visit. */
export interface SiteResult {
  readonly point: number;
  readonly site: number;
  /** Empty when only gradients were asked for. */
  readonly value: ArrayLike<number>;
  /** Empty when only values were asked for. With another backward pass, what that brings to the site. */
  readonly gradient: ArrayLike<number>;
  /** Sums that the backward pass kept for the point; the same at all of its sites. */
  readonly terms: readonly number[];
}

/** The explained number f as a function of points, with its gradients: batched runs of one rewritten graph. */
export interface Field {
  /** Returns f per point. */
  values(points: PointSource): Promise<Float64Array>;
  /** Visits ∂f/∂site, point by point in order. */
  gradients(points: PointSource, visit: (result: SiteResult) => void): Promise<void>;
  /** Visits ∂f/∂site and the site's value. */
  gradientsAndValues(points: PointSource, visit: (result: SiteResult) => void): Promise<void>;
  /** Visits the sites' values alone. */
  observe(points: PointSource, visit: (result: SiteResult) => void): Promise<void>;
  /** Operators between the sites and f for which the backward pass has no rule. */
  operatorsWithoutRule(): readonly string[];
  close(): Promise<void>;
}

/** What a field is opened for. */
export interface FieldRequest extends PlanRequest {
  readonly rows: Rows;
  /** Called after every batch with the number of points in it. */
  onBatch(pointCount: number): void;
}

/** Opens the graphs that compute f and its gradients from points; sessions are created when first used. */
export function openField(context: AnalysisContext, request: FieldRequest): Field {
  const passes = passesOf(context, request);
  return {
    async values(points) {
      const result = new Float64Array(points.count);
      const visit = (point: number, [f]: readonly ArrayLike<number>[]): void => {
        result[point] = f?.[0] ?? NaN;
      };
      await passes.run('forward', { points, visit, choose: (graph) => [graph.selected] });
      return result;
    },
    async gradients(points, visit) {
      const { visit: each } = siteVisitor(request, visit, { hasValues: false });
      const choose = (graph: FieldGraph): readonly string[] => [...graph.gradients, ...graph.terms];
      await passes.run('backward', { points, visit: each, choose });
    },
    async gradientsAndValues(points, visit) {
      const { visit: each } = siteVisitor(request, visit, { hasValues: true });
      const choose = (graph: FieldGraph): readonly string[] => [
        ...graph.gradients,
        ...graph.values,
        ...graph.terms,
      ];
      await passes.run('backward', { points, visit: each, choose });
    },
    async observe(points, visit) {
      const all = (point: number, outputs: readonly ArrayLike<number>[]): void => {
        for (const [site, value] of outputs.entries()) visit({ point, site, value, gradient: [], terms: [] });
      };
      await passes.run('forward', { points, visit: all, choose: (graph) => graph.values });
    },
    operatorsWithoutRule: () => passes.graphOf('backward').withoutRule,
    close: () => passes.close(),
  };
}

/** Sorts what one run gives for a point: gradients, values if there are any, terms. */
function siteVisitor(
  { sites, coordinates }: FieldRequest,
  visit: (result: SiteResult) => void,
  { hasValues }: { readonly hasValues: boolean },
): Pick<Pass, 'visit'> {
  const siteCount = (sites ?? coordinates).length;
  return {
    visit: (point, outputs) => {
      const terms = outputs.slice(hasValues ? 2 * siteCount : siteCount).map((term) => term[0] ?? NaN);
      for (let site = 0; site < siteCount; site++) {
        const value = hasValues ? (outputs[siteCount + site] ?? []) : [];
        visit({ point, site, gradient: outputs[site] ?? [], value, terms });
      }
    },
  };
}

type Direction = 'forward' | 'backward';

interface Passes {
  run(direction: Direction, pass: Pick<Pass, 'points' | 'visit'> & Chosen): Promise<void>;
  graphOf(direction: Direction): FieldGraph;
  close(): Promise<void>;
}

function passesOf(context: AnalysisContext, request: FieldRequest): Passes {
  const plan = planField(request);
  const opened = new Map<Direction, { readonly graph: FieldGraph; readonly session: Promise<Session> }>();
  const open = (direction: Direction): { readonly graph: FieldGraph; readonly session: Promise<Session> } => {
    const known = opened.get(direction);
    if (known !== undefined) return known;
    const graph = direction === 'forward' ? plan.forward : plan.backward();
    const opening = { graph, session: context.runtime.open(graph.model) };
    opened.set(direction, opening);
    return opening;
  };
  return {
    async run(direction, pass) {
      const { graph, session } = open(direction);
      const outputs = pass.choose(graph);
      await runPass({ context, request }, { ...pass, graph, session: await session, outputs });
    },
    graphOf: (direction) => open(direction).graph,
    async close() {
      for (const { session } of opened.values()) await (await session).close();
    },
  };
}

interface Chosen {
  choose(graph: FieldGraph): readonly string[];
}

interface Pass {
  readonly graph: FieldGraph;
  readonly session: Session;
  readonly outputs: readonly string[];
  readonly points: PointSource;
  visit(point: number, outputs: readonly ArrayLike<number>[]): void;
}

interface Environment {
  readonly context: AnalysisContext;
  readonly request: FieldRequest;
}

async function runPass(environment: Environment, pass: Pass): Promise<void> {
  const { context, request } = environment;
  const { batchSize } = context;
  const items = [...slotBatches(pass.points.count, { model: request.model, batchSize })];
  throwIfAborted(context.signal);
  const runs = runAhead({
    session: pass.session,
    items,
    feedsOf: ({ slots }) => feedsOf(environment, pass, slots),
    outputNames: pass.outputs,
  });
  for await (const { item, outputs } of runs) {
    const { start, count, slots } = item;
    const tensors = pass.outputs.map((name) => elementsOf(outputs[name]));
    for (let i = 0; i < count; i++) {
      pass.visit(
        start + i,
        tensors.map((elements) => sliceRow(elements, i, slots.length)),
      );
    }
    request.onBatch(count);
    await yieldToEventLoop();
    throwIfAborted(context.signal);
  }
}

function feedsOf({ request }: Environment, pass: Pass, slots: readonly number[]): Feeds {
  const feeds: Record<string, TensorValue> = {};
  for (const [coordinate, name] of pass.graph.inputNames.entries()) {
    const dims = request.coordinates[coordinate % request.coordinates.length]?.dims ?? [];
    const size = elementCountOf(dims);
    const data = new Float32Array(slots.length * size);
    for (const [i, point] of slots.entries()) {
      pass.points.write(point, coordinate, data.subarray(i * size, (i + 1) * size));
    }
    feeds[name] = float32Tensor(data, [slots.length, ...dims]);
  }
  const rowOfPoint = slots.map((point) => pass.points.rowOf(point));
  return withHeldFeeds(feeds, request, { session: pass.session, rowOfPoint });
}

function elementsOf(tensor: TensorValue | undefined): Float32Array | Float64Array {
  if (tensor === undefined) throw new Error('The runtime left out an output it was asked for.');
  return tensor.data instanceof Float32Array ? tensor.data : toFloat64(tensor);
}

function sliceRow(
  elements: Float32Array | Float64Array,
  row: number,
  rowCount: number,
): Float32Array | Float64Array {
  const size = elements.length / rowCount;
  return elements.subarray(row * size, (row + 1) * size);
}
