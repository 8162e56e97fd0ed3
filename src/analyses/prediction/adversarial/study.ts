import { UserError } from '../../../base/errors.js';
import { argmax } from '../../../engine/numeric/vectors.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { readRows, type Rows } from '../attribution/rows.js';
import { type AttackedInput, attackedInput } from './attackedInput.js';
import { attackRows, type Caught } from './attacks.js';
import { measureCurve, type CurvePoint } from './curve.js';
import { gapsOf, type AttackPlan, type Prey } from './hunt.js';
import { minimalPerturbations } from './minimal.js';
import type { AdversarialSettings } from './settings.js';
import { type Transfer, measureTransfer } from './transfer.js';
import { chooseRange, type ChosenRange } from './validRange.js';
import { openVictim, type Victim } from './victim.js';

/** Rows attacked when no limit is given. */
export const attackedRowCount = 64;

/** All that the attacks found. */
export interface AdversarialStudy {
  readonly rows: Rows;
  readonly input: AttackedInput;
  readonly attacked: string;
  readonly classCount: number;
  /** Class per row: its label, or what the model says of it, or the class wanted. */
  readonly classes: readonly number[];
  readonly isTargeted: boolean;
  readonly hasLabels: boolean;
  readonly range: ChosenRange;
  readonly epsilon: number;
  /** Gaps of the rows as they are; above 0: wrong (or already of the class wanted). */
  readonly cleanGaps: Float64Array;
  readonly caught: Caught;
  readonly curve: readonly CurvePoint[];
  /** Smallest perturbation found per row; 0 where the row is wrong as it is, ∞ where none was found. */
  readonly minimal: Float64Array | undefined;
  readonly transfer: Transfer | undefined;
  /** Predicted classes before and after. */
  readonly predictions: { readonly clean: readonly number[]; readonly adversarial: readonly number[] };
}

/**
 * Attacks the rows of the data as the settings say.
 *
 * @throws UserError when the input holds no floats, the output no classes, or settings contradict each other.
 */
export async function studyAttacks(
  context: AnalysisContext,
  settings: AdversarialSettings,
): Promise<AdversarialStudy> {
  const rows = await readRows(context, { defaultCount: attackedRowCount });
  const input = attackedInput(context, rows, settings.input);
  const range = chooseRange({ text: settings.range, ...input });
  const epsilon = settings.epsilon ?? defaultEpsilon(settings, range, input);
  const progress = progressOf(context, settings, rows.count);
  const victim = await openVictim(context, {
    model: context.model,
    rows,
    input: { value: input.name, elementType: input.elementType, dims: input.dims },
    output: settings.output,
    onBatch: progress,
  });
  try {
    return await attackAll(context, settings, { rows, input, range, epsilon, victim, progress });
  } finally {
    await victim.close();
  }
}

interface Arena {
  readonly rows: Rows;
  readonly input: AttackedInput;
  readonly range: ChosenRange;
  readonly epsilon: number;
  readonly victim: Victim;
  readonly progress: (pointCount: number) => void;
}

async function attackAll(
  context: AnalysisContext,
  settings: AdversarialSettings,
  arena: Arena,
): Promise<AdversarialStudy> {
  const { rows, input, range, epsilon, victim } = arena;
  const all = rows.ids.map((_, row) => row);
  const scores = await victim.scores({ rows: all, values: input.values, classes: all.map(() => 0) });
  const clean = predictedOf(scores, rows.count);
  const classes = classesOf(settings, { rows, clean, classCount: victim.classCount });
  const isTargeted = settings.target !== null;
  const cleanGaps = gapsOf(scores, classes, isTargeted);
  const plan: AttackPlan = { ...planOf(settings, arena), isTargeted, random: context.random };
  const prey: Prey = { rows: all, values: input.values, classes, epsilons: all.map(() => epsilon) };
  const caught = await attackRows(victim, prey, { ...plan, stopsWhenFooled: false });
  const curve = await measureCurve(victim, prey, {
    plan,
    cleanGaps,
    epsilons: epsilonsOf(settings, epsilon),
  });
  const minimal =
    settings.bisection === 0
      ? undefined
      : await minimalPerturbations(victim, prey, { plan, cleanGaps, curve, rounds: settings.bisection });
  const request = { rows, input, victim, prey, plan, cleanGaps, caught, onBatch: arena.progress };
  const { otherModel } = settings;
  const transfer = otherModel === null ? undefined : await measureTransfer(context, otherModel, request);
  const attacked = await victim.scores({ rows: all, values: caught.values, classes });
  return {
    ...{ rows, input, range, epsilon, classes, isTargeted, cleanGaps, caught, minimal, transfer },
    ...{ attacked: victim.attacked, classCount: victim.classCount, curve: curve.points },
    hasLabels: rows.labels !== undefined,
    predictions: { clean, adversarial: predictedOf(attacked, rows.count) },
  };
}

function planOf(
  settings: AdversarialSettings,
  { input, range }: Arena,
): Omit<AttackPlan, 'isTargeted' | 'random'> {
  if (settings.attack === 'square' && settings.norm === 'l2') {
    throw new UserError(
      'attack-norm',
      'attack=square lays squares of ±ε, which only norm=linf bounds. Use norm=linf, or attack=pgd for norm=l2.',
    );
  }
  return {
    attack: settings.attack,
    norm: settings.norm,
    steps: settings.steps,
    stepShare: settings.stepShare,
    restarts: settings.restarts,
    decay: settings.decay,
    queries: settings.queries,
    range,
    dims: input.dims,
    channelAxis: input.channelAxis,
  };
}

/** A tenth of the range by L∞; by L2 a twentieth of the range in every element. */
function defaultEpsilon(
  { norm }: AdversarialSettings,
  { width }: ChosenRange,
  { dims }: AttackedInput,
): number {
  if (!(width > 0)) {
    throw new UserError(
      'epsilon-missing',
      'epsilon is a share of the range by default, and there is no range. Set epsilon, in units of the input.',
    );
  }
  const whole = norm === 'linf' ? 0.1 * width : 0.05 * width * Math.sqrt(elementCountOf(dims));
  return Number(whole.toPrecision(3));
}

function classesOf(
  settings: AdversarialSettings,
  {
    rows,
    clean,
    classCount,
  }: { readonly rows: Rows; readonly clean: readonly number[]; readonly classCount: number },
): readonly number[] {
  const { target } = settings;
  if (target !== null) {
    if (target < classCount) return clean.map(() => target);
    throw new UserError(
      'unknown-target',
      `target=${String(target)} is no class: there are ${String(classCount)}, counted from 0.`,
    );
  }
  if (rows.labels === undefined) return clean;
  const outside = rows.labels.find((label) => label < 0 || label >= classCount);
  if (outside === undefined) return [...rows.labels];
  throw new UserError(
    'label-outside',
    `The label ${String(outside)} is no class of the output, which has ${String(classCount)} scores. Give labels from 0 to ${String(classCount - 1)}, or data without labels, whose predicted classes are attacked.`,
  );
}

function epsilonsOf({ epsilons }: AdversarialSettings, epsilon: number): number[] {
  if (epsilons === null) return [0.125, 0.25, 0.5, 0.75, 1, 1.5, 2].map((share) => share * epsilon);
  const wanted = epsilons.split(',').map(Number);
  if (wanted.every((each) => each > 0 && Number.isFinite(each))) return wanted.sort((a, b) => a - b);
  throw new UserError(
    'wrong-epsilons',
    `epsilons=${epsilons} is no list of numbers above 0, such as "0.01, 0.02, 0.05".`,
  );
}

function predictedOf(scores: Float64Array, rowCount: number): number[] {
  const classCount = scores.length / rowCount;
  return Array.from({ length: rowCount }, (_, row) =>
    argmax(scores.subarray(row * classCount, (row + 1) * classCount)),
  );
}

/** Passes over the rows that a run takes, about: less where rows are fooled early. */
export function passesOf(settings: AdversarialSettings): number {
  const { attack, steps, restarts, queries, bisection } = settings;
  const single = attack === 'square' ? queries : attack === 'fgsm' ? 3 : 3 * steps * restarts;
  return 3 + single * (1 + (settings.otherModel === null ? 0 : 1)) + (single * (7 + bisection)) / 2;
}

function progressOf(
  context: AnalysisContext,
  settings: AdversarialSettings,
  rowCount: number,
): (count: number) => void {
  const total = passesOf(settings) * rowCount;
  // Passes with gradients take about three times as long as those without.
  const weight = settings.attack === 'square' ? 1 : 3;
  let done = 0;
  return (count) => {
    done += weight * count;
    context.progress({
      fractionDone: Math.min(0.99, done / total),
      message: `${done.toLocaleString('en-US')} passes`,
    });
  };
}
