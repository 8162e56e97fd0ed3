import type { Dataset } from '../../data/dataset.js';
import { measureTypes } from '../../engine/runtime/measureTypes.js';
import type { Feeds } from '../../engine/runtime/session.js';
import type { Layer, LayerTable } from '../../onnx/layers/layer.js';
import { layersOf } from '../../onnx/layers/layerTable.js';
import type { Model, ValueType } from '../../onnx/model.js';
import { batchSymbol, inferTypes } from '../../onnx/shapes/inferTypes.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import type { AnalysisContext } from '../analysis.js';
import { fedBatches, type FedBatch } from './sweep.js';
import { maskInputOf, type SweepTarget } from './targetTap.js';

/** What targets are planned from: the model, and its types on the first batch. */
export interface TargetFacts {
  readonly model: Model;
  /** Of the first batch. */
  readonly types: TypeTable;
  /** With names for open sizes. */
  readonly symbolic: TypeTable;
  readonly feeds: Feeds;
  readonly rowCount: number;
  readonly maskInput: string;
}

/** Returns the first batch of the data as it is fed; undefined when there is none. */
export async function firstBatch(
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

/** Returns the types of a model on some feeds: inferred, and measured in one run where that leaves one of the values open. */
export async function concreteTypes(
  { model, runtime }: Pick<AnalysisContext, 'model' | 'runtime'>,
  feeds: Feeds,
  values: readonly string[],
): Promise<TypeTable> {
  const inputShapes = Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, value.dims]));
  const inferred = inferTypes(model, { inputShapes });
  const isKnown = values.every((value) => sizesOf(inferred.get(value)) !== undefined);
  return isKnown ? inferred : await measureTypes(model, runtime, feeds);
}

/** The layers that may be measured, and what their targets are planned from. */
export interface PlannedLayers<L> {
  readonly table: LayerTable;
  readonly layers: readonly L[];
  readonly facts: TargetFacts;
}

/** Returns what targets at some layers of a model are planned from, on the first batch; undefined when there is none. */
export async function factsOfLayers<L extends TargetLayer>(
  context: Pick<AnalysisContext, 'model' | 'runtime' | 'batchSize' | 'signal'>,
  data: Dataset,
  layersIn: (table: LayerTable) => readonly L[],
): Promise<PlannedLayers<L> | undefined> {
  const { model } = context;
  const first = await firstBatch(context, data);
  if (first === undefined) return undefined;
  const symbolic = inferTypes(model, { keepsUnnamed: true });
  const table = layersOf(model, symbolic);
  const layers = layersIn(table);
  const outputs = layers.filter(({ isInBody }) => !isInBody).map(({ output }) => output);
  const types = await concreteTypes(context, first.feeds, outputs);
  const { feeds, rowCount } = first;
  return { table, layers, facts: { model, types, symbolic, feeds, rowCount, maskInput: maskInputOf(data) } };
}

/** What a target is planned from: a layer, or as much of one. */
export type TargetLayer = Pick<Layer, 'name' | 'output' | 'unitAxis' | 'isInBody' | 'input' | 'family'>;

/** Returns the target of a layer, or why it cannot be measured. */
export function planTarget(layer: TargetLayer, facts: TargetFacts): SweepTarget | string {
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

/** Element types that statistics are taken of. */
export const floatTypes: ReadonlySet<string> = new Set(['float32', 'float64', 'float16', 'bfloat16']);

/** Tells whether axis 0 is the batch, or a multiple of it, as far as its symbolic size says. */
export function followsBatch(
  value: string,
  { model, symbolic }: Pick<TargetFacts, 'model' | 'symbolic'>,
): boolean {
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
  { feeds, maskInput }: TargetFacts,
): SweepTarget['maskLayout'] {
  const tokenCount = feeds[maskInput]?.dims[1];
  if (tokenCount === undefined) return undefined;
  if (rank === 2) return rowsPerSample === tokenCount ? 'rows' : undefined;
  const tokenAxis = unitAxis === 2 ? 1 : 2;
  if (rank !== 3 || rowsPerSample !== 1 || dims[tokenAxis] !== tokenCount) return undefined;
  return tokenAxis === 1 ? 'axis-1' : 'axis-2';
}

/** Returns the sizes of a tensor type; undefined where one is open. */
export function sizesOf(type: ValueType | undefined): readonly number[] | undefined {
  if (type?.kind !== 'tensor' || type.shape === null) return undefined;
  const sizes = type.shape.filter((size) => typeof size === 'number');
  return sizes.length === type.shape.length ? sizes : undefined;
}
