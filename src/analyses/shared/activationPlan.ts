import type { Dataset } from '../../data/dataset.js';
import { measureTypes } from '../../engine/runtime/measureTypes.js';
import type { Feeds } from '../../engine/runtime/session.js';
import { type Layer, type LayerTable } from '../../onnx/layers/layer.js';
import { layersOf } from '../../onnx/layers/layerTable.js';
import type { Model, ValueType } from '../../onnx/model.js';
import { batchSymbol, inferTypes } from '../../onnx/shapes/inferTypes.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import type { TensorValue } from '../../onnx/tensorValue.js';
import type { AnalysisContext } from '../analysis.js';
import type { UnjudgedLayer } from './healthBlocks.js';
import { fedBatches, type FedBatch } from './sweep.js';
import { maskInputOf, type SweepTarget } from './targetTap.js';

/** Which values a sweep measures, what they are called, and what is left out. */
export interface ActivationPlan {
  readonly targets: readonly SweepTarget[];
  /** The layer whose units a target judges: the convolution or dense layer that feeds it, else itself. */
  readonly names: ReadonlyMap<SweepTarget, string>;
  readonly unjudged: readonly UnjudgedLayer[];
  readonly warnings: readonly string[];
}

/**
 * Returns what a sweep over a model's activations and gates measures; shapes are those of the first batch.
 *
 * Shapes are inferred; one probe run measures them where inference leaves a size open.
 */
export async function planActivations(
  context: Pick<AnalysisContext, 'model' | 'runtime' | 'batchSize' | 'signal'>,
  data: Dataset,
): Promise<ActivationPlan> {
  const { model } = context;
  const first = await firstBatch(context, data);
  if (first === undefined) return { targets: [], names: new Map(), unjudged: [], warnings: [] };
  const symbolic = inferTypes(model, { keepsUnnamed: true });
  const table = layersOf(model, symbolic);
  const candidates = table.layers.filter(isMeasured);
  const types = await concreteTypes(context, first.feeds, candidates);
  const facts: Facts = {
    model,
    types,
    symbolic,
    feeds: first.feeds,
    rowCount: first.rowCount,
    maskInput: maskInputOf(data),
  };
  const planned = candidates.map((layer) => ({ layer, plan: planLayer(layer, facts) }));
  const targets: SweepTarget[] = [];
  const failed = new Map<string, string>();
  for (const { layer, plan } of planned) {
    if (typeof plan === 'string') failed.set(layer.name, plan);
    else targets.push(plan);
  }
  return {
    targets,
    names: new Map(targets.map((target) => [target, feederOf(target, table)])),
    unjudged: unjudgedLayers(table, failed),
    warnings: maskWarnings(targets, first.feeds[maskInputOf(data)]),
  };
}

interface Facts {
  readonly model: Model;
  /** Of the first batch. */
  readonly types: TypeTable;
  /** With names for open sizes. */
  readonly symbolic: TypeTable;
  readonly feeds: Feeds;
  readonly rowCount: number;
  readonly maskInput: string;
}

function isMeasured(layer: Layer): boolean {
  return layer.kind === 'activation' || layer.kind === 'gate';
}

async function firstBatch(
  context: Pick<AnalysisContext, 'model' | 'batchSize' | 'signal'>,
  data: Dataset,
): Promise<FedBatch | undefined> {
  const { batchSize, signal, model } = context;
  for await (const batch of fedBatches(
    { data, batchSize, signal },
    model,
    Math.min(batchSize, data.sampleCount),
  )) {
    return batch;
  }
  return undefined;
}

async function concreteTypes(
  { model, runtime }: Pick<AnalysisContext, 'model' | 'runtime'>,
  feeds: Feeds,
  layers: readonly Layer[],
): Promise<TypeTable> {
  const inputShapes = Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, value.dims]));
  const inferred = inferTypes(model, { inputShapes });
  const isKnown = layers.every(
    (layer) => layer.isInBody || sizesOf(inferred.get(layer.output)) !== undefined,
  );
  return isKnown ? inferred : await measureTypes(model, runtime, feeds);
}

/** Returns the target of a layer, or why it cannot be measured. */
function planLayer(layer: Layer, facts: Facts): SweepTarget | string {
  if (layer.isInBody) {
    return 'it is inside an If, Loop or Scan body or a function, where values cannot be read yet';
  }
  const type = facts.types.get(layer.output);
  const dims = sizesOf(type);
  if (type?.kind !== 'tensor' || dims === undefined) return 'the shape of its output is not known';
  if (!floatTypes.has(type.elementType)) return `its output holds ${type.elementType}, not real numbers`;
  if (layer.unitAxis === null) return 'no axis of its output counts units';
  const unitAxis = layer.unitAxis < 0 ? layer.unitAxis + dims.length : layer.unitAxis;
  const unitCount = dims[unitAxis];
  if (unitAxis === 0 || unitCount === undefined || unitCount === 0) {
    return 'no axis of its output counts units';
  }
  const rowsPerSample = (dims[0] ?? 0) / facts.rowCount;
  if (!followsBatch(layer.output, facts) || !Number.isInteger(rowsPerSample) || rowsPerSample === 0) {
    return 'the first axis of its output is not the batch';
  }
  const shape = { rank: dims.length, unitAxis, rowsPerSample };
  return {
    layer: layer.name,
    entering: layer.input ?? undefined,
    leaving: layer.output,
    elementType: type.elementType,
    ...shape,
    unitCount,
    maskLayout: maskLayoutOf(shape, dims, facts),
    maskInput: facts.maskInput,
    rule: layer.family ?? { kind: 'unjudged' },
  };
}

const floatTypes: ReadonlySet<string> = new Set(['float32', 'float64', 'float16', 'bfloat16']);

/** Tells whether axis 0 is the batch, or a multiple of it, as far as its symbolic size says. */
function followsBatch(value: string, { model, symbolic }: Facts): boolean {
  const batch = batchSymbol(model);
  const type = symbolic.get(value);
  const size = type?.kind === 'tensor' ? (type.shape?.[0] ?? null) : null;
  if (batch === undefined || size === null) return true;
  // Named sizes may be equal without inference knowing; only a fixed number is surely not the batch.
  return typeof size === 'string';
}

function maskLayoutOf(
  { rank, unitAxis, rowsPerSample }: Pick<SweepTarget, 'rank' | 'unitAxis' | 'rowsPerSample'>,
  dims: readonly number[],
  { feeds, maskInput }: Facts,
): SweepTarget['maskLayout'] {
  const tokenCount = feeds[maskInput]?.dims[1];
  if (tokenCount === undefined) return undefined;
  if (rank === 2) return rowsPerSample === tokenCount ? 'rows' : undefined;
  const tokenAxis = unitAxis === 2 ? 1 : 2;
  if (rank !== 3 || rowsPerSample !== 1 || dims[tokenAxis] !== tokenCount) return undefined;
  return tokenAxis === 1 ? 'axis-1' : 'axis-2';
}

function maskWarnings(targets: readonly SweepTarget[], mask: TensorValue | undefined): string[] {
  if (mask === undefined) return [];
  const unmasked = targets.filter((target) => target.maskLayout === undefined).map((target) => target.layer);
  if (unmasked.length === 0) return [];
  return [
    `Masked tokens could not be left out of ${unmasked.join(', ')}: the mask does not line up with the shape of their outputs.`,
  ];
}

/** The first layer with weights whose states are this activation's. */
function feederOf(target: SweepTarget, { layers }: LayerTable): string {
  const fed = layers.filter(
    (layer) =>
      layer.name !== target.layer &&
      layer.states.kind === 'activation' &&
      layer.states.layer === target.layer &&
      layer.kind !== 'scope' &&
      layer.kind !== 'block',
  );
  const [first] = fed.filter((layer) => layer.kind !== 'normalization');
  return (first ?? fed[0])?.name ?? target.layer;
}

function unjudgedLayers(table: LayerTable, failed: ReadonlyMap<string, string>): UnjudgedLayer[] {
  const unjudged: UnjudgedLayer[] = [];
  for (const { name, kind, states } of table.layers) {
    if (kind === 'scope' || kind === 'block') continue;
    const failure = failed.get(states.kind === 'activation' ? states.layer : name);
    if (failure !== undefined) unjudged.push({ layer: name, kind, reason: failure });
    else if (states.kind === 'not-judged') {
      const next = states.next === null ? '' : ` (next activation: ${states.next})`;
      unjudged.push({ layer: name, kind, reason: states.reason + next });
    }
  }
  return unjudged;
}

function sizesOf(type: ValueType | undefined): readonly number[] | undefined {
  if (type?.kind !== 'tensor' || type.shape === null) return undefined;
  const sizes = type.shape.filter((size) => typeof size === 'number');
  return sizes.length === type.shape.length ? sizes : undefined;
}
