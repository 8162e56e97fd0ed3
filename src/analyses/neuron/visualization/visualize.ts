import { descend } from '../../../engine/descent/descend.js';
import { buildDescentStep, type DescentStep } from '../../../engine/descent/descentStep.js';
import { appendBlur, appendCentred } from '../../../engine/descent/gaussians.js';
import { appendMotion, type Motion, type MotionLimits } from '../../../engine/descent/motion.js';
import { appendFromSpectrum } from '../../../engine/descent/spectrum.js';
import type { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import { adam } from '../../../engine/training/optimizers/adam.js';
import { elementCountOf, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { priorTerms } from '../../shared/descent/priorTerms.js';
import { takeRows } from '../../shared/tensorRows.js';
import { fixedBatchSize } from '../../shared/fixedBatch.js';
import { pickFeeds } from '../../shared/sweep.js';
import type { Canvas, Target } from './canvas.js';
import { appendActivation } from './excited.js';
import type { VisualizationSettings } from './settings.js';
import { formOf, type MovedForm } from './movedForm.js';
import { startOf } from './start.js';

/** Inputs that excite a unit, as far as the steps went. */
export interface Visualization {
  readonly target: Target;
  /** Inputs found, `[images, …]` as z. */
  readonly z: Float64Array;
  /** Activation at each of them. */
  readonly reached: Float64Array;
  /** Activations by step and image, at the inputs as they were moved then; one more than there were steps. */
  readonly trajectory: readonly Float64Array[];
}

/** What one ascent works on. */
export interface AscentRequest {
  readonly canvas: Canvas;
  readonly target: Target;
  readonly settings: VisualizationSettings;
  /** Inputs to start from, as z; undefined: noise. */
  readonly startZ: Float64Array | undefined;
}

/** Returns what an activation of 1 stands for in the objective: the best one there is, or the size of what there is. */
export function scaleOf({ best, mean }: Target): number {
  return best > 0 ? best : Math.max(Math.abs(best), Math.abs(mean)) || 1;
}

/** Looks for inputs that excite a unit; told after every step what there is. */
export async function visualize(
  context: AnalysisContext,
  request: AscentRequest,
  onStep: (known: Visualization) => void,
): Promise<Visualization> {
  const { canvas, target, settings } = request;
  const dims = [fixedBatchSize(context.model) ?? settings.images, ...canvas.input.dims.slice(1)];
  const { step, motion } = ascentStep(context, request, dims);
  const session = await context.runtime.open(step.model);
  const held = heldFeeds(canvas, dims[0] ?? 1);
  const shown = Math.min(settings.images, dims[0] ?? 1);
  const trajectory: Float64Array[] = [];
  let known: Visualization | undefined;
  try {
    await descend(session, step, {
      start: startOf(context.random, request, dims),
      stepCount: settings.steps,
      learningRate: settings.learningRate,
      optimizer: adam(),
      // Where the last step led is measured without moving it.
      feeds: (at) =>
        pickFeeds({ ...held, ...motion?.feeds(at === settings.steps ? undefined : context.random) }, session),
      signal: context.signal,
      onStep: ({ z, terms }) => {
        const reached = (terms[0] ?? new Float64Array()).slice(0, shown).map((value) => -value);
        trajectory.push(reached);
        const found = toFloat64(z).subarray(0, shown * elementCountOf(dims.slice(1)));
        known = { target, z: found, reached, trajectory: [...trajectory] };
        onStep(known);
      },
    });
  } finally {
    await session.close();
  }
  if (known === undefined) throw new Error('A descent measures where it starts.');
  return known;
}

function ascentStep(
  { model }: AnalysisContext,
  request: AscentRequest,
  dims: readonly number[],
): { readonly step: DescentStep; readonly motion: Motion | undefined } {
  const { canvas, target, settings } = request;
  const { input, range, held } = canvas;
  const form = formOf(canvas, settings, dims);
  const limits = motionLimits(settings, form);
  let motion: Motion | undefined;
  const step = buildDescentStep(model, {
    input: input.name,
    dims,
    centre: range.centre,
    half: range.half,
    // Waves are bounded where they are added up.
    isBounded: form.isBounded && !form.isSpectrum,
    optimizer: adam(),
    decode: (builder, moved) => appendDecoded(builder, moved, { form, settings }),
    view: (builder, z) => {
      if (limits === undefined) return z;
      motion = appendMotion(builder, z, { ...form, limits });
      return motion.value;
    },
    settle: (builder, moved) =>
      settings.blur > 0 && !form.isSpectrum
        ? appendBlur(builder, moved, { ...form, deviation: settings.blur })
        : moved,
    inputShapes: Object.fromEntries(
      Object.entries(held).map(([name, value]) => [name, [dims[0] ?? 1, ...value.dims.slice(1)]]),
    ),
    objective: (builder, z) => [
      { name: 'activation', value: appendLoss(builder, target), weight: 1 / scaleOf(target) },
      ...priorTerms(builder, z, { input: form, settings }),
    ],
  });
  return { step, motion };
}

/** Appends z from what is moved: waves added up and bounded, the middle kept. */
function appendDecoded(
  builder: GraphBuilder,
  moved: string,
  { form, settings }: { readonly form: MovedForm; readonly settings: VisualizationSettings },
): string {
  const waves = form.isSpectrum ? appendFromSpectrum(builder, moved, form) : moved;
  const bounded = form.isSpectrum && form.isBounded ? builder.node('Tanh', [waves]) : waves;
  return settings.centre > 0 ? appendCentred(builder, bounded, { ...form, width: settings.centre }) : bounded;
}

function appendLoss(builder: GraphBuilder, { excited }: Target): string {
  return builder.node('Neg', [appendActivation(builder, excited)]);
}

/** How far inputs are moved at random; undefined: not at all. */
function motionLimits(
  { jitter, rotation, zoom }: VisualizationSettings,
  { dims, positionAxes }: MovedForm,
): MotionLimits | undefined {
  const sides = positionAxes.map((axis) => dims[axis] ?? 1);
  if (sides.length === 0) return undefined;
  const turn = sides.length === 2 ? rotation : 0;
  const limits = { jitter: jitter ?? Math.floor(Math.min(...sides) / 16), rotation: turn, zoom };
  return limits.jitter === 0 && turn === 0 && zoom === 0 ? undefined : limits;
}

function heldFeeds({ held }: Canvas, rowCount: number): Feeds {
  const first = new Array<number>(rowCount).fill(0);
  const rows = Object.entries(held).map(([name, value]): [string, TensorValue] => [
    name,
    takeRows(value, first),
  ]);
  return Object.fromEntries(rows);
}
