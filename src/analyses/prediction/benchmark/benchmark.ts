import { meteredRuntime } from '../../../engine/runtime/meteredRuntime.js';
import type { AnalysisContext, Workload } from '../../analysis.js';
import { prepare, type Prepared } from '../attribution/prepare.js';
import { readRows, type Rows } from '../attribution/rows.js';
import { type Candidate, settingsFor } from './candidates.js';
import { benchmarkRowCount, piece } from './cost.js';
import { enter, type Entrant, type LeftOut, randomFor } from './contest.js';
import { type Curves, curvesOf, areasUnder, tieBreakers } from './curves.js';
import type { MeasureName } from './measureNames.js';
import { noEntrants, noMasks } from './benchmarkErrors.js';
import { chanceOf, pointingHits, readMasks } from './pointing.js';
import { type PositionSpace, positionSpaceOf } from './positions.js';
import { probabilityOf } from './probability.js';
import { openProgress, type Progress } from './progress.js';
import { infidelity, measureRemovals, sensitivityN } from './removals.js';
import { type Repeated, repeatedMeasures } from './repeated.js';
import { type Standing, standingOf } from './results.js';
import { type BenchmarkSettings, measuresIn } from './settings.js';
import { giniIndex } from './sparseness.js';

/** All that a benchmark found. */
export interface BenchmarkResult {
  readonly prepared: Prepared;
  readonly space: PositionSpace;
  readonly entrants: readonly Entrant[];
  readonly leftOut: readonly LeftOut[];
  /** By measure, one standing for each entrant; measures that could not be taken are missing. */
  readonly standings: ReadonlyMap<MeasureName, readonly Standing[]>;
  /** Why measures are missing. */
  readonly notMeasured: ReadonlyMap<MeasureName, string>;
  /** By entrant; empty where neither insertion nor deletion is measured. */
  readonly curves: readonly Curves[];
  /** Whether curves follow the probability of the explained class. */
  readonly isProbability: boolean;
  /** What pointing at random hits; undefined without masks. */
  readonly chance: number | undefined;
  readonly repeated: Repeated;
}

/** What is measured, with what. */
export interface Contest {
  readonly context: AnalysisContext;
  readonly settings: BenchmarkSettings;
  readonly prepared: Prepared;
  readonly space: PositionSpace;
  readonly entrants: readonly Entrant[];
  readonly wanted: ReadonlySet<MeasureName>;
  readonly seed: number;
  readonly progress: Progress;
}

/**
 * Lets candidates explain the same rows and measures what they say.
 *
 * `use` gets the result while sessions are still open.
 *
 * @throws UserError when no candidate fits the model, or masks are asked for and not given or misshapen.
 */
export async function benchmark<T>(
  given: AnalysisContext,
  settings: BenchmarkSettings,
  {
    candidates,
    use,
  }: { readonly candidates: readonly Candidate[]; readonly use: (result: BenchmarkResult) => T },
): Promise<T> {
  const measures = measuresIn(settings);
  const isMaskNeeded = measures.length === 1 && measures[0] === 'pointing-game';
  if (isMaskNeeded && settings.masks === null) throw noMasks();
  const rows = await readRows(given, { defaultCount: benchmarkRowCount });
  const progress = openProgress(given, candidates, { settings, workload: workloadOf(given, rows) });
  const runtime = meteredRuntime(given.runtime);
  const context = { ...progress.context, runtime };
  // Drawn first, so that nothing else moves it.
  const seed = context.random.integer(2 ** 32);
  const prepared = await prepare(context, settingsFor('gradient', settings), { rows });
  try {
    const space = positionSpaceOf(prepared.problem.inputs);
    const entrants: Entrant[] = [];
    const leftOut: LeftOut[] = [];
    const options = { space, seed, restart: runtime.restart, usage: runtime.usage };
    for (const candidate of candidates) {
      progress.start(candidate.method.title);
      const entry = await enter(prepared, candidate, options);
      if ('reason' in entry) leftOut.push(entry);
      else entrants.push(entry);
      progress.finish(piece.explain(candidate.name));
    }
    if (entrants.length === 0) throw noEntrants(leftOut);
    const wanted = new Set(measures);
    const contest = { context, settings, prepared, space, entrants, wanted, seed, progress };
    return use({ prepared, space, entrants, leftOut, ...(await measured(contest)) });
  } finally {
    await prepared.close();
  }
}

function workloadOf({ model }: AnalysisContext, rows: Rows): Workload {
  const shapes = Object.entries(rows.feeds).map(([name, { dims }]) => [name, dims.slice(1)] as const);
  return { model, sampleCount: rows.count, limit: rows.count, sampleShapes: Object.fromEntries(shapes) };
}

type Measured = Omit<BenchmarkResult, 'prepared' | 'space' | 'entrants' | 'leftOut'>;

async function measured(contest: Contest): Promise<Measured> {
  const values = new Map<MeasureName, readonly Float64Array[]>();
  const notMeasured = new Map<MeasureName, string>();
  const { curves, isProbability } = await measureCurves(contest, values);
  await measureEffects(contest, values);
  const chance = await measurePointing(contest, values, notMeasured);
  if (contest.wanted.has('sparseness')) values.set('sparseness', contest.entrants.map(sparsenessOf));
  const { repeated, noRandomisation } = await repeatedMeasures(contest, values);
  if (noRandomisation !== undefined) notMeasured.set('randomisation', noRandomisation);
  // In the order in which they are asked for.
  const standings = new Map(
    [...contest.wanted].flatMap((name) => {
      const found = values.get(name);
      return found === undefined ? [] : [[name, found.map(standingOf)] as const];
    }),
  );
  return { standings, notMeasured, curves, isProbability, chance, repeated };
}

/** Values of rows by measure and entrant. */
export type Values = Map<MeasureName, readonly Float64Array[]>;

async function measureCurves(
  { context, settings, prepared, space, entrants, wanted, seed, progress }: Contest,
  values: Values,
): Promise<Pick<Measured, 'curves' | 'isProbability'>> {
  if (!wanted.has('insertion') && !wanted.has('deletion')) return { curves: [], isProbability: false };
  const probability =
    settings.score === 'probability' ? await probabilityOf(context, prepared, settings) : undefined;
  try {
    const { problem } = probability ?? prepared;
    const ties = tieBreakers(problem.rows.count, space.count, randomFor(seed, 'ties'));
    const curves: Curves[] = [];
    for (const { candidate, maps } of entrants) {
      progress.start(`Curves of ${candidate.method.title}`);
      const of = { ranking: maps.ranking, ties, pointCount: settings.points };
      curves.push(await curvesOf(problem, space, of));
      progress.finish(piece.curves);
    }
    for (const name of ['insertion', 'deletion'] as const) {
      const areas = curves.map((each) => areasUnder(each[name], each.fractions));
      if (wanted.has(name)) values.set(name, areas);
    }
    return { curves, isProbability: probability !== undefined };
  } finally {
    await probability?.close();
  }
}

async function measureEffects(
  { settings, prepared, space, entrants, wanted, seed, progress }: Contest,
  values: Values,
): Promise<void> {
  if (!wanted.has('sensitivity-n') && !wanted.has('infidelity')) return;
  progress.start('Hiding random sets');
  const random = randomFor(seed, 'sets');
  const removals = await measureRemovals(prepared.problem, space, { setCount: settings.sets, random });
  const effects = entrants.map(({ maps }) => maps.effect);
  if (wanted.has('sensitivity-n')) {
    values.set(
      'sensitivity-n',
      effects.map((effect) => sensitivityN(removals, effect)),
    );
  }
  if (wanted.has('infidelity')) {
    values.set(
      'infidelity',
      effects.map((effect) => infidelity(removals, effect)),
    );
  }
  progress.finish(piece.sets);
}

async function measurePointing(
  { settings, prepared, space, entrants, wanted }: Contest,
  values: Values,
  notMeasured: Map<MeasureName, string>,
): Promise<number | undefined> {
  if (!wanted.has('pointing-game')) return undefined;
  if (settings.masks === null) {
    notMeasured.set(
      'pointing-game',
      'it needs masks of where the evidence is: set masks to a file that has them',
    );
    return undefined;
  }
  const { rows } = prepared.problem;
  const masks = await readMasks(settings.masks, rows, space);
  values.set(
    'pointing-game',
    entrants.map(({ maps }) => pointingHits(maps.ranking, masks, rows.count)),
  );
  return chanceOf(masks);
}

function sparsenessOf({ maps, problem }: Entrant): Float64Array {
  const count = maps.shown.length / problem.rows.count;
  return Float64Array.from({ length: problem.rows.count }, (_, row) =>
    giniIndex(maps.shown.subarray(row * count, (row + 1) * count)),
  );
}
