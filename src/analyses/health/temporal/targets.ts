import { UserError } from '../../../base/errors.js';
import type { Dataset } from '../../../data/dataset.js';
import type { DataType } from '../../../onnx/dataTypes.js';
import { layersOf } from '../../../onnx/layers/layerTable.js';
import type { Model } from '../../../onnx/model.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import type { AnalysisContext } from '../../analysis.js';
import { planActivations } from '../../shared/activationPlan.js';
import type { UnjudgedLayer } from '../../shared/healthBlocks.js';
import { channelAxisOf } from '../../shared/layout.js';
import { type Product, productsOf, productValues } from '../../shared/products.js';
import { concreteTypes, firstBatch, floatTypes, planTarget, sizesOf } from '../../shared/targetPlan.js';
import { maskInputOf, type SweepTarget } from '../../shared/targetTap.js';

/** What is a step: the next sample of the data, or the next position of a sample. */
export type StepKind = 'samples' | 'positions';

/** A value whose changes are counted. */
export interface TemporalTarget {
  readonly target: SweepTarget;
  /** The layer whose units these are; undefined for what is no layer's output. */
  readonly layer: string | undefined;
  /** `relu1`, `image (input)`, `what enters conv2`. */
  readonly label: string;
  /** Axis of the steps behind the batch once the rows of a sample stand on an axis of their own; 0 between samples. */
  readonly stepAxis: number;
  /** Shape of one sample. */
  readonly sampleDims: readonly number[];
}

/** Everything that changes are counted of, and what it takes to say what that saves. */
export interface TemporalPlan {
  readonly steps: StepKind;
  readonly targets: readonly TemporalTarget[];
  readonly products: readonly Product[];
  readonly unmeasured: readonly UnjudgedLayer[];
  readonly warnings: readonly string[];
}

/**
 * Returns the inputs and activations of a model that have steps.
 *
 * Without `wanted` the steps are the positions of a sample where the model reads tokens or sequences (`[N, T]` integers,
 * `[N, T, F]`, `[N, C, T, H, W]`), else the samples, frame after frame.
 *
 * @throws UserError `no-steps` when nothing has any.
 */
export async function planTemporal(
  context: AnalysisContext,
  data: Dataset,
  wanted: StepKind | undefined,
): Promise<TemporalPlan> {
  const { model } = context;
  const plan = await context.shared.once('activations', () => planActivations(context, data));
  const first = await firstBatch(context, data);
  if (first === undefined) throw noSteps('the data hold no sample', wanted ?? 'samples');
  const { feeds, rowCount } = first;
  const values = [...plan.targets.map(({ leaving }) => leaving), ...productValues(model)];
  const types = await concreteTypes(context, feeds, values);
  const facts = { model, types, feeds, rowCount, maskInput: maskInputOf(data) };
  const products = productsOf(model, types, rowCount);
  const inputs = inputTargets(facts);
  const measured = new Set([...inputs, ...plan.targets].map(({ leaving }) => leaving));
  const entering = enteringTargets(facts, products, measured);
  const steps = wanted ?? (isSequential(feeds) ? 'positions' : 'samples');
  const targets: TemporalTarget[] = [];
  const unmeasured: UnjudgedLayer[] = [...plan.unjudged];
  for (const target of [...inputs, ...plan.targets, ...entering]) {
    const layer = plan.targets.includes(target) ? (plan.names.get(target) ?? target.layer) : undefined;
    const label = layer === undefined ? target.layer : layer;
    const sampleDims = sampleDimsOf(target, types);
    const stepAxis = steps === 'samples' ? 0 : stepAxisOf(target);
    if (sampleDims !== undefined && stepAxis !== undefined) {
      targets.push({ target, layer, label, stepAxis, sampleDims });
    } else if (layer !== undefined) {
      unmeasured.push({ layer, kind: 'activation', reason: 'it has no positions to step along' });
    }
  }
  if (!targets.some(({ layer }) => layer !== undefined)) {
    throw noSteps(unmeasured[0]?.reason ?? 'it has no activation that can be measured', steps);
  }
  return { steps, targets, products, unmeasured, warnings: plan.warnings };
}

function noSteps(reason: string, steps: StepKind): UserError {
  const advice =
    steps === 'positions'
      ? 'Set steps=samples if the samples of the data are frames that follow each other.'
      : 'Choose a model with ReLU, GELU, Sigmoid or the like in its main graph.';
  return new UserError('no-steps', `Nothing in this model changes from step to step: ${reason}. ${advice}`);
}

interface InputFacts {
  readonly model: AnalysisContext['model'];
  readonly types: TypeTable;
  readonly feeds: NonNullable<Awaited<ReturnType<typeof firstBatch>>>['feeds'];
  readonly rowCount: number;
  readonly maskInput: string;
}

/** The inputs that hold real numbers: what changes in them is the least that changes behind them. */
function inputTargets(facts: InputFacts): SweepTarget[] {
  const { model, feeds, maskInput } = facts;
  return Object.entries(feeds).flatMap(([name, { dtype, dims }]) => {
    if (!floatTypes.has(dtype) || dims.length < 2 || name === maskInput) return [];
    const unitAxis = channelAxisOf(model, name, dims.slice(1)) ?? dims.length - 1;
    const type = { kind: 'tensor', elementType: dtype, shape: dims } as const;
    const types = new Map([...facts.types, [name, type] as const]);
    return planned({ ...facts, types }, { value: name, unitAxis, label: `${name} (input)` });
  });
}

/** What weights are multiplied with where it is neither an input nor an activation: pooled, normalised, added. */
function enteringTargets(
  facts: InputFacts,
  products: readonly Product[],
  measured: ReadonlySet<string>,
): SweepTarget[] {
  const { layers } = layersOf(facts.model, facts.types);
  const seen = new Set(measured);
  return products.flatMap(({ node, weighted, operands }) => {
    if (weighted === undefined || operands.some((value) => seen.has(value))) return [];
    seen.add(weighted.value);
    const reader = layers.find(
      ({ kind, nodes }) => nodes.includes(node) && kind !== 'scope' && kind !== 'block',
    );
    return planned(facts, { ...weighted, label: `what enters ${reader?.name ?? node.opType}` });
  });
}

function planned(
  { model, types, feeds, rowCount, maskInput }: InputFacts,
  { value, unitAxis, label }: { readonly value: string; readonly unitAxis: number; readonly label: string },
): SweepTarget[] {
  const symbolic = inferTypes(model, { keepsUnnamed: true });
  const layer = { name: label, output: value, unitAxis, isInBody: false, input: null, family: null };
  const target = planTarget(layer, { model, types, symbolic, feeds, rowCount, maskInput });
  return typeof target === 'string' ? [] : [target];
}

function isSequential(feeds: InputFacts['feeds']): boolean {
  return Object.values(feeds).some(({ dtype, dims }) => isSequence(dtype, dims.length));
}

function isSequence(dtype: DataType, rank: number): boolean {
  return floatTypes.has(dtype) ? rank === 3 || rank === 5 : rank >= 2;
}

/** Returns whether a model declares an input whose samples are sequences, so that time runs along their positions. */
export function readsSequences({ graph }: Model): boolean {
  return graph.inputs.some(
    ({ type }) =>
      type.kind === 'tensor' && type.shape !== null && isSequence(type.elementType, type.shape.length),
  );
}

/** `[rows, …]` of one sample where positions were folded into the batch, else the shape behind it. */
function sampleDimsOf({ leaving, rowsPerSample }: SweepTarget, types: TypeTable): number[] | undefined {
  const dims = sizesOf(types.get(leaving));
  if (dims === undefined) return undefined;
  return rowsPerSample > 1 ? [rowsPerSample, ...dims.slice(1)] : dims.slice(1);
}

/** Folded rows are the steps, else the first axis that is neither batch nor unit. */
function stepAxisOf({ rank, unitAxis, rowsPerSample }: SweepTarget): number | undefined {
  if (rowsPerSample > 1) return 1;
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return axes.find((axis) => axis !== 0 && axis !== unitAxis);
}
