import { prepare, type Prepared } from '../attribution/prepare.js';
import type { Attributions, Problem } from '../attribution/problem.js';
import { UserError } from '../../../base/errors.js';
import type { Contest, Values } from './benchmark.js';
import { type Candidate, settingsFor } from './candidates.js';
import { type Entrant, firstRows, randomFor } from './contest.js';
import { piece } from './cost.js';
import { scoreMapsOf } from './positions.js';
import { rankCorrelations, shuffleCountFor } from './randomisation.js';
import { type ShuffledModel, shuffledModels } from './shuffledModels.js';
import { maxSensitivity } from './stability.js';

/** What was explained again and again. */
export interface Repeated {
  /** Rows of it. */
  readonly rowCount: number;
  /** The cascade of shuffled weights, from the last layer down; empty where it was not measured. */
  readonly stages: readonly Stage[];
}

/** A step of the cascade. */
export interface Stage {
  readonly downTo: string;
  readonly layerCount: number;
  /** Rank correlation with the scores of the whole model by entrant, `[rows]` each. */
  readonly correlations: readonly Float64Array[];
}

/** Measures max-sensitivity and randomisation on the first rows. */
export async function repeatedMeasures(
  contest: Contest,
  values: Values,
): Promise<{ readonly repeated: Repeated; readonly noRandomisation: string | undefined }> {
  const { prepared, settings, wanted, entrants } = contest;
  const rowCount = Math.min(prepared.problem.rows.count, settings.repeatedRows);
  if (wanted.has('max-sensitivity')) {
    const found: Float64Array[] = [];
    for (const entrant of entrants) found.push(await movedScores(contest, entrant, rowCount));
    values.set('max-sensitivity', found);
  }
  if (!wanted.has('randomisation')) return { repeated: { rowCount, stages: [] }, noRandomisation: undefined };
  const { stages, last } = await cascade(contest, rowCount);
  if (last === undefined) {
    return {
      repeated: { rowCount, stages },
      noRandomisation: 'the model has no layer whose weights could be shuffled',
    };
  }
  values.set('randomisation', last);
  return { repeated: { rowCount, stages }, noRandomisation: undefined };
}

async function movedScores(contest: Contest, entrant: Entrant, rowCount: number): Promise<Float64Array> {
  const { settings, seed, progress } = contest;
  const { candidate, problem, found } = entrant;
  progress.start(`${candidate.method.title} at neighbours of rows`);
  const random = randomFor(seed, 'neighbours');
  const own = firstRows({ ...problem, random: randomFor(seed, `${candidate.name} again`) }, rowCount);
  const { radius, perturbations } = settings;
  const moved = await orNone(() =>
    maxSensitivity(own, found, {
      ...{ radius, perturbations, random },
      attribute: (at: Problem): Promise<Attributions> => candidate.method.attribute(at),
    }),
  );
  progress.finish(piece.move(candidate.name));
  return moved ?? new Float64Array(rowCount).fill(NaN);
}

interface Cascade {
  readonly stages: readonly Stage[];
  /** Mean over shuffles of all layers, by entrant and row. */
  readonly last: readonly Float64Array[] | undefined;
}

async function cascade(contest: Contest, rowCount: number): Promise<Cascade> {
  const { prepared, space, seed, entrants } = contest;
  const { model, signal } = prepared.problem;
  const random = randomFor(seed, 'weights');
  const stages: Stage[] = [];
  for (const shuffled of await shuffledModels(model, random, { isWhole: false, signal })) {
    stages.push(await stageOf(contest, shuffled, rowCount));
  }
  const whole = stages.at(-1);
  if (whole === undefined) return { stages, last: undefined };
  const shuffleCount = shuffleCountFor(space.count);
  const sums = entrants.map((_, i) => Float64Array.from(whole.correlations[i] ?? []));
  for (let repeat = 1; repeat < shuffleCount; repeat++) {
    for (const shuffled of await shuffledModels(model, random, { isWhole: true, signal })) {
      const { correlations } = await stageOf(contest, shuffled, rowCount);
      for (const [i, sum] of sums.entries()) {
        for (const [row, value] of (correlations[i] ?? []).entries()) sum[row] = (sum[row] ?? NaN) + value;
      }
    }
  }
  return { stages, last: sums.map((sum) => sum.map((value) => value / shuffleCount)) };
}

/** Explains the first rows by a model that lost its weights; the class that is explained stays that of the whole model. */
async function stageOf(contest: Contest, shuffled: ShuffledModel, rowCount: number): Promise<Stage> {
  const { context, settings, prepared, entrants, progress } = contest;
  const { rows, selection } = prepared.problem;
  const of = settingsFor('gradient', settings);
  const stage = await prepare({ ...context, model: shuffled.model }, of, { rows, selection });
  try {
    const correlations: Float64Array[] = [];
    for (const entrant of entrants) {
      const { candidate } = entrant;
      progress.start(`${candidate.method.title} with shuffled weights`);
      correlations.push(await correlationsOf(contest, { stage, entrant, rowCount }));
      progress.finish(piece.shuffle(candidate.name));
    }
    return { downTo: shuffled.downTo, layerCount: shuffled.layerCount, correlations };
  } finally {
    await stage.close();
  }
}

async function correlationsOf(
  { space, seed }: Contest,
  at: { readonly stage: Prepared; readonly entrant: Entrant; readonly rowCount: number },
): Promise<Float64Array> {
  const { candidate, maps } = at.entrant;
  const after = await orNone(async () => {
    const problem = firstRows(await problemFor(at.stage, candidate, seed), at.rowCount);
    const found = await candidate.method.attribute(problem);
    return scoreMapsOf(problem, space, { found, meaning: candidate.method.scoresAre }).ranking;
  });
  if (after === undefined) return new Float64Array(at.rowCount).fill(NaN);
  return rankCorrelations(maps.ranking, after, space.count);
}

async function problemFor(stage: Prepared, { name, settings }: Candidate, seed: number): Promise<Problem> {
  return { ...(await stage.withMethod(settings)), random: randomFor(seed, name) };
}

/** What a method cannot do on a changed row or model is not measured. */
async function orNone<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
