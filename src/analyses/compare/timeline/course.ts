import { UserError } from '../../../base/errors.js';
import { curveNames, type CurveName } from '../../../engine/numeric/curves/curveFamilies.js';
import {
  adjustedRSquared,
  bestFit,
  type CurveFit,
  fitCurves,
} from '../../../engine/numeric/curves/fitCurve.js';
import type { DraftPart } from '../../analysis.js';
import type { CheckpointPoint } from '../../shared/checkpoints.js';
import type { TimelineChoices } from './settings.js';

/** What each checkpoint answered. */
export type Answers = readonly CheckpointPoint<DraftPart>[];

/** One metric over the checkpoints. */
export interface MetricCourse {
  readonly metric: string;
  /** In the order of the answers; NaN where a checkpoint has none. */
  readonly values: readonly number[];
  readonly fits: ReadonlyMap<CurveName, CurveFit | string>;
  /** The one that is drawn; undefined where none was asked for or fitted. */
  readonly best: CurveFit | undefined;
}

/** Returns the time of each answer: its step, or the tokens seen by then. */
export function timesOf(answers: Answers, tokensPerStep: number | null): number[] {
  return answers.map(({ step }) => step * (tokensPerStep ?? 1));
}

/**
 * Returns the steps that were given for the checkpoints.
 *
 * @throws UserError `bad-setting` where there are more or fewer than checkpoints.
 */
export function givenSteps({ steps }: TimelineChoices, count: number): readonly number[] | undefined {
  if (steps === null) return undefined;
  const given = steps.split(',').map(Number);
  if (given.length === count) return given;
  throw new UserError(
    'bad-setting',
    `Setting steps: there are ${String(given.length)} steps and ${String(count)} checkpoints. Give one for each, in the order of their names.`,
    { detail: { key: 'steps', value: steps } },
  );
}

/** Returns the course of every metric that was asked for, or that any checkpoint has, the first asked for first. */
export function metricCourses(
  answers: Answers,
  wanted: readonly string[] | undefined,
  { fit, tokensPerStep }: Pick<TimelineChoices, 'fit' | 'tokensPerStep'>,
): readonly MetricCourse[] {
  const measured = answers.map(({ value }) => (value === undefined ? {} : metricsOf(value)));
  // Those of the analysis before those that every report has.
  const own = answers.flatMap(({ value }) => Object.keys(value?.draft.metrics ?? {}));
  const all = [...new Set([...own, ...measured.flatMap((metrics) => Object.keys(metrics))])];
  const times = timesOf(answers, tokensPerStep);
  return (wanted ?? all).map((metric) => {
    const values = measured.map((metrics) => metrics[metric] ?? NaN);
    const fits = fitCurves(namesOf(fit), times, values);
    return { metric, values, fits, best: bestFit(fits, adjustedRSquared) };
  });
}

function metricsOf({ draft, of }: DraftPart): Readonly<Record<string, number>> {
  return { ...of?.preface.metrics, ...draft.metrics };
}

function namesOf(fit: string): readonly CurveName[] {
  if (fit === 'all') return curveNames;
  return curveNames.filter((name) => name === fit);
}

/** Tells whether a metric is the same at every checkpoint that has it. */
export function isConstant({ values }: MetricCourse): boolean {
  return new Set(values.filter((value) => !Number.isNaN(value))).size <= 1;
}
