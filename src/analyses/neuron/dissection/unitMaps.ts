import { UserError } from '../../../base/errors.js';
import { noSamples } from '../../../data/dataErrors.js';
import type { Dataset } from '../../../data/dataset.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import { resolveAddress } from '../../../onnx/addresses.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { LayerTable } from '../../../onnx/layers/layer.js';
import { layersOf } from '../../../onnx/layers/layerTable.js';
import type { Model } from '../../../onnx/model.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import type { AnalysisContext } from '../../analysis.js';
import type { FedBatch } from '../../shared/sweep.js';
import {
  concreteTypes,
  firstBatch,
  planTarget,
  sizesOf,
  type TargetFacts,
  type TargetLayer,
} from '../../shared/targetPlan.js';
import { maskInputOf, type SweepTarget } from '../../shared/targetTap.js';

/** A model that gives the maps of one layer's units, and how they lie. */
export interface UnitMapPlan {
  /** Name of the layer. */
  readonly layer: string;
  readonly unitCount: number;
  /** Sizes of the position axes, in order; none for one number a sample. */
  readonly dims: readonly number[];
  /** Gives nothing but the maps. */
  readonly model: Model;
  /** Output with the maps, `[N, units, …positions]`. */
  readonly output: string;
  readonly isDouble: boolean;
  readonly first: FedBatch;
  readonly warnings: readonly string[];
}

/**
 * Returns how the maps of a layer are read: those of the layer that is named, else of the last one with positions, else of the
 * last activation.
 *
 * @throws UserError as `resolveAddress` does, `layer-is-unit`, `layer-not-measurable` with the reason, `no-layers`.
 */
export async function planUnitMaps(
  context: Pick<AnalysisContext, 'model' | 'runtime' | 'batchSize' | 'signal'>,
  data: Dataset,
  named: string | null,
): Promise<UnitMapPlan> {
  const { model } = context;
  const first = await firstBatch(context, data);
  if (first === undefined) throw noSamples(data.path);
  const symbolic = inferTypes(model, { keepsUnnamed: true });
  const table = layersOf(model, symbolic);
  const candidates = named === null ? candidatesOf(table) : [namedLayer(named, table)];
  const outside = candidates.filter(({ isInBody }) => !isInBody);
  const types = await concreteTypes(
    context,
    first.feeds,
    outside.map(({ output }) => output),
  );
  const maskInput = maskInputOf(data);
  const facts: TargetFacts = {
    model,
    types,
    symbolic,
    feeds: first.feeds,
    rowCount: first.rowCount,
    maskInput,
  };
  const target = chooseTarget(candidates, facts);
  const sizes = sizesOf(types.get(target.leaving)) ?? [];
  return {
    layer: target.layer,
    unitCount: target.unitCount,
    dims: sizes.filter((_, axis) => axis !== 0 && axis !== target.unitAxis),
    ...mapGraph(model, target),
    isDouble: target.elementType === 'float64',
    first,
    warnings:
      first.feeds[maskInput] === undefined ? [] : [`Positions that ${maskInput} masks were counted too.`],
  };
}

const measuredKinds: ReadonlySet<string> = new Set(['conv', 'dense', 'normalization', 'activation']);

function candidatesOf({ layers }: LayerTable): TargetLayer[] {
  return layers.filter((layer) => measuredKinds.has(layer.kind) && layer.unitAxis !== null);
}

function namedLayer(text: string, table: LayerTable): TargetLayer {
  const { address, name, value, unit, unitAxis, isInBody } = resolveAddress(text, table);
  if (unit !== undefined) {
    throw new UserError(
      'layer-is-unit',
      `layer=${address} names one unit, and all units of a layer are dissected. Name the layer: layer=${name}.`,
      { detail: { address } },
    );
  }
  return { name, output: value, unitAxis, isInBody, input: null, family: null };
}

function chooseTarget(candidates: readonly TargetLayer[], facts: TargetFacts): SweepTarget {
  const planned = candidates.map((layer) => ({ layer, plan: planDissected(layer, facts) }));
  const usable = planned.filter(
    (each): each is { layer: TargetLayer; plan: SweepTarget } => typeof each.plan !== 'string',
  );
  const hasPositions = (least: number) => (each: { readonly plan: SweepTarget }) =>
    positionRank(each.plan, facts) >= least;
  const found =
    usable.findLast(hasPositions(2)) ??
    usable.findLast(hasPositions(1)) ??
    usable.findLast(({ layer }) => layer.family !== null) ??
    usable.at(-1);
  if (found !== undefined) return found.plan;
  const [first] = planned;
  if (first === undefined || typeof first.plan !== 'string') throw noLayers();
  throw notMeasurable(first.layer.name, first.plan);
}

function planDissected(layer: TargetLayer, facts: TargetFacts): SweepTarget | string {
  const plan = planTarget(layer, facts);
  if (typeof plan === 'string' || plan.rowsPerSample === 1) return plan;
  return 'the first axis of its output holds positions beside the samples';
}

/** Position axes that tell places apart: after global pooling there are none. */
function positionRank({ leaving, unitAxis }: SweepTarget, { types }: TargetFacts): number {
  const sizes = sizesOf(types.get(leaving)) ?? [];
  return sizes.filter((size, axis) => axis !== 0 && axis !== unitAxis && size > 1).length;
}

function mapGraph(
  model: Model,
  { leaving, unitAxis, rank, elementType }: SweepTarget,
): Pick<UnitMapPlan, 'model' | 'output'> {
  const builder = new GraphBuilder(model);
  builder.setOutputs([]);
  const others = Array.from({ length: rank }, (_, axis) => axis).filter(
    (axis) => axis !== 0 && axis !== unitAxis,
  );
  const isMoved = unitAxis !== 1;
  const isNative = elementType === 'float32' || elementType === 'float64';
  let output = leaving;
  if (!isNative) output = builder.cast(output, dataTypeFacts('float32').code);
  if (isMoved) {
    output = builder.node('Transpose', [output], { attributes: { perm: [0, unitAxis, ...others] } });
  }
  builder.addOutput(output);
  return { model: prune(builder.build(), [output]), output };
}

function notMeasurable(layer: string, reason: string): UserError {
  return new UserError(
    'layer-not-measurable',
    `${layer} cannot be dissected: ${reason}. Choose another layer.`,
    {
      detail: { layer },
    },
  );
}

function noLayers(): UserError {
  return new UserError(
    'no-layers',
    'This model has no layer with units that could be dissected. Choose a model with convolutions, dense layers or activations.',
  );
}
