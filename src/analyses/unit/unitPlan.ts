import { UserError } from '../../base/errors.js';
import type { Dataset } from '../../data/dataset.js';
import { noSamples } from '../../data/dataErrors.js';
import { GraphBuilder } from '../../engine/graph/graphBuilder.js';
import { prune } from '../../engine/rewrites/prune.js';
import { badPosition, unitOutOfRange } from '../../onnx/addressErrors.js';
import { dataTypeFacts } from '../../onnx/dataTypes.js';
import type { Model, ValueType } from '../../onnx/model.js';
import { inferTypes } from '../../onnx/shapes/inferTypes.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import type { AnalysisContext } from '../analysis.js';
import { concreteTypes, firstBatch, planTarget, sizesOf, type TargetFacts } from '../shared/targetPlan.js';
import { maskInputOf, type SweepTarget } from '../shared/targetTap.js';
import type { UnitPlace } from './unitPlace.js';

/** A model that gives nothing but one neuron's numbers, and how they lie. */
export interface UnitPlan {
  readonly place: UnitPlace;
  readonly model: Model;
  /** Output with the neuron's numbers, `[N · rows, …positions]`; rows are positions folded into the batch axis. */
  readonly leaving: string;
  /** The same of what enters the activation. */
  readonly entering: string | undefined;
  /** The whole layer, in a model of its own graph: what activity is relative to where it is relative. */
  readonly layer: SweepTarget;
  readonly layerModel: Model;
  /** Numbers are compared as the graph holds them. */
  readonly isDouble: boolean;
  /** Position axes that count tokens; those rows and columns are masked where the mask is 0. */
  readonly tokenAxes: readonly number[];
  readonly maskInput: string;
  readonly warnings: readonly string[];
}

/**
 * Returns the graph that measures one neuron; shapes are those of the first batch.
 *
 * @throws UserError `data-empty`, `unit-out-of-range`, `bad-position`, and `unit-not-measurable` with the reason.
 */
export async function planUnit(
  context: Pick<AnalysisContext, 'model' | 'runtime' | 'batchSize' | 'signal'>,
  data: Dataset,
  place: UnitPlace,
): Promise<UnitPlan> {
  const first = await firstBatch(context, data);
  if (first === undefined) throw noSamples(data.path);
  const values = place.entering === undefined ? [place.value] : [place.value, place.entering];
  const measured = await concreteTypes(context, first.feeds, values);
  const maskInput = maskInputOf(data);
  const { model, target, positions } = placeTarget(place, batchFirst(context.model, measured, place), {
    feeds: first.feeds,
    rowCount: first.rowCount,
    maskInput,
  });
  const mask = first.feeds[maskInput];
  const tokenAxes =
    mask === undefined ? [] : tokenAxesOf(positions, { place, target, tokenCount: mask.dims[1] });
  return {
    place,
    ...unitGraph(model, target, place.unit),
    layer: target,
    layerModel: model,
    isDouble: target.elementType === 'float64',
    tokenAxes,
    maskInput,
    warnings: mask !== undefined && tokenAxes.length === 0 ? [unmaskedWarning(place)] : [],
  };
}

interface PlacedTarget {
  readonly model: Model;
  readonly target: SweepTarget;
  /** Sizes of the position axes. */
  readonly positions: readonly number[];
}

function placeTarget(
  place: UnitPlace,
  { model, types, moved }: BatchFirst,
  fed: Pick<TargetFacts, 'feeds' | 'rowCount' | 'maskInput'>,
): PlacedTarget {
  const layer = {
    name: place.name,
    output: moved.value,
    unitAxis: moved.unitAxis,
    isInBody: false,
    input: moved.entering ?? null,
    family: place.rule.kind === 'unjudged' ? null : place.rule,
  };
  const symbolic = inferTypes(model, { keepsUnnamed: true });
  const target = planTarget(layer, { ...fed, model, types, symbolic });
  if (typeof target === 'string') throw notMeasurable(place, target);
  if (place.unit >= target.unitCount) throw unitOutOfRange(place.name, place.unit, target.unitCount);
  const positions = positionDims(sizesOf(types.get(moved.value)) ?? [], target);
  if (place.position !== undefined) checkPosition(place, positions);
  return { model, target, positions };
}

interface BatchFirst {
  readonly model: Model;
  readonly types: TypeTable;
  readonly moved: {
    readonly value: string;
    readonly entering: string | undefined;
    readonly unitAxis: number;
  };
}

/** Recurrent layers put time first: their value is transposed, so that samples are on axis 0 everywhere. */
function batchFirst(model: Model, types: TypeTable, place: UnitPlace): BatchFirst {
  const { value, entering, unitAxis, batchAxis } = place;
  const type = types.get(value);
  const dims = sizesOf(type);
  if (batchAxis === 0 || dims === undefined || type?.kind !== 'tensor') {
    return { model, types, moved: { value, entering, unitAxis } };
  }
  const order = [batchAxis, ...dims.map((_, axis) => axis).filter((axis) => axis !== batchAxis)];
  const builder = new GraphBuilder(model);
  const transposed = builder.node('Transpose', [value], { attributes: { perm: order } });
  const shape = order.map((axis) => dims[axis] ?? 0);
  const moved: ValueType = { ...type, shape };
  const fromFront = unitAxis < 0 ? unitAxis + dims.length : unitAxis;
  return {
    model: builder.build(),
    types: new Map([...types, [transposed, moved]]),
    moved: { value: transposed, entering: undefined, unitAxis: order.indexOf(fromFront) },
  };
}

function unitGraph(
  model: Model,
  { leaving, entering, unitAxis, elementType }: SweepTarget,
  unit: number,
): Pick<UnitPlan, 'model' | 'leaving' | 'entering'> {
  const builder = new GraphBuilder(model);
  builder.setOutputs([]);
  const expose = (value: string): string => {
    const index = builder.constant({ dtype: 'int64', dims: [], data: BigInt64Array.of(BigInt(unit)) });
    const gathered = builder.node('Gather', [value, index], { attributes: { axis: unitAxis } });
    const isNative = elementType === 'float32' || elementType === 'float64';
    const output = isNative ? gathered : builder.cast(gathered, dataTypeFacts('float32').code);
    builder.addOutput(output);
    return output;
  };
  const outputs = {
    leaving: expose(leaving),
    entering: entering === undefined ? undefined : expose(entering),
  };
  const names = [outputs.leaving, outputs.entering].filter((name) => name !== undefined);
  return { ...outputs, model: prune(builder.build(), names) };
}

/** Sizes of the position axes, positions that are folded into the batch axis first. */
function positionDims(dims: readonly number[], { unitAxis, rowsPerSample }: SweepTarget): readonly number[] {
  const behind = dims.filter((_, axis) => axis !== 0 && axis !== unitAxis);
  return rowsPerSample === 1 ? behind : [rowsPerSample, ...behind];
}

function checkPosition({ name, position = [] }: UnitPlace, dims: readonly number[]): void {
  if (position.length !== dims.length) {
    throw badPosition(name, position, `its units have positions of ${dims.length} coordinates`);
  }
  for (const [axis, coordinate] of position.entries()) {
    const size = dims[axis] ?? 0;
    if (coordinate < size && coordinate >= -size) continue;
    throw badPosition(
      name,
      position,
      `that axis has ${size} elements (0 to ${size - 1}, or -1 from the end)`,
    );
  }
}

/** Axes that are as long as the mask: the one of a sequence, and queries and keys of a head. */
function tokenAxesOf(
  dims: readonly number[],
  facts: {
    readonly place: UnitPlace;
    readonly target: SweepTarget;
    readonly tokenCount: number | undefined;
  },
): readonly number[] {
  const { place, target, tokenCount } = facts;
  if (place.isHead) return [...dims.keys()].filter((axis) => dims[axis] === tokenCount);
  return target.maskLayout === undefined ? [] : [0];
}

function notMeasurable({ address }: UnitPlace, reason: string): UserError {
  return new UserError(
    'unit-not-measurable',
    `${address} cannot be measured: ${reason}. Choose another layer.`,
    {
      detail: { address },
    },
  );
}

function unmaskedWarning({ measuredAt }: UnitPlace): string {
  return `Masked tokens could not be left out of ${measuredAt}: the mask does not line up with the shape of its output.`;
}
