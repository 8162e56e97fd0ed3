import { folderOf, withoutFolders } from '../../base/withoutFolders.js';
import { sampleShapesOf } from '../../data/sampleShapes.js';
import {
  type Analysis,
  type AnalysisContext,
  defineAnalysis,
  type ReportDraft,
  type SettingsOf,
  type Workload,
} from '../analysis.js';
import { type BatchTiming, timeBatch } from '../shared/batchTiming.js';
import type { SharedWork } from '../sharedWork.js';
import {
  type Candidate,
  candidatesOf,
  costOfAll,
  costOfCandidate,
  defaultsOf,
} from './checkup/candidates.js';
import { checkupDraft, ownMetrics } from './checkup/checkupReport.js';
import type { Answered, Checked, LeftOut } from './checkup/outcome.js';
import { type PartMetrics, partMetrics } from './checkup/partMetrics.js';
import { planCheckup } from './checkup/plan.js';
import { runPart } from './checkup/runPart.js';

const settings = {
  budget: {
    kind: 'number',
    title: 'Budget',
    description:
      'Seconds that the analyses may take together; beyond it they see fewer samples, and those that take longest are left out.',
    default: 60,
    minimum: 1,
    maximum: 86_400,
    unit: 's',
  },
} as const;

/**
 * Returns the checkup over other analyses: those of health, each with its defaults, within a time budget.
 *
 * What one of them needs and this model or data lacks leaves it out, with its own words; an error of one does not stop the
 * rest. Work that several want is done once. Every metric of theirs is one of the checkup's. With the budget exceeded the
 * result depends on the machine's speed: the report then says on how many samples it rests and what was left out.
 */
export function createCheckup(others: readonly Analysis[]): Analysis<typeof settings> {
  const analyses = others.filter(({ question }) => question === 'health');
  const metrics = partMetrics(ownMetrics, analyses);
  return defineAnalysis({
    id: 'checkup',
    question: 'health',
    title: 'Checkup',
    asks: 'Is anything wrong with this network?',
    needs: { data: 'optional', labels: 'optional', gradients: false },
    settings,
    metrics: { ...ownMetrics, ...metrics.declared },
    papers: [],
    rows: [],
    cost: (_settings, workload) => {
      const candidates = analyses.map((analysis) => ({ analysis, settings: defaultsOf(analysis) }));
      return costOfAll(candidates, workload);
    },
    run: (context, chosen) => checkUp(context, chosen, { analyses, metrics }),
  });
}

/** What a checkup may ask, and how the numbers of the answers are called. */
interface Questions {
  readonly analyses: readonly Analysis[];
  readonly metrics: PartMetrics;
}

async function checkUp(
  context: AnalysisContext,
  { budget }: SettingsOf<typeof settings>,
  { analyses, metrics }: Questions,
): Promise<ReportDraft> {
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    deadline.abort();
  }, 1000 * budget);
  const draftOf = (known: Checked): ReportDraft => checkupDraft(known, metrics, analyses);
  try {
    const fitting = candidatesOf(analyses, context);
    const workload = await workloadOf(context);
    const timing = await timingOf(context);
    const plan = planCheckup(fitting.candidates, workload, { timing, budgetMs: 1000 * budget });
    const { sampleCount } = plan;
    const isReduced = sampleCount < workload.sampleCount;
    let checked: Checked = {
      answered: [],
      leftOut: [...fitting.leftOut.map((left) => namedFromHere(left, context)), ...plan.leftOut],
      ...(isReduced ? { reduced: { sampleCount, allCount: workload.sampleCount } } : {}),
    };
    const inner = isReduced ? onFirst(context, sampleCount) : context;
    for (const part of sharesOf(plan.candidates, { ...workload, sampleCount })) {
      const known = checked;
      const outcome = await runPart(part.candidate, {
        context: { ...inner, progress: partOfBar(context, part) },
        deadline: deadline.signal,
        draftWith: (answered) => draftOf(withOutcome(known, answered)),
      });
      checked = withOutcome(known, 'gap' in outcome ? namedFromHere(outcome, context) : outcome);
    }
    return draftOf(checked);
  } finally {
    clearTimeout(timer);
  }
}

/** Errors name files in full, for who made them; a report may be read by others. */
function namedFromHere(left: LeftOut, { model, data }: Pick<AnalysisContext, 'model' | 'data'>): LeftOut {
  const { path, realPath } = model.file;
  const folders = [path, realPath, data?.path ?? ''].map(folderOf);
  return { ...left, reason: withoutFolders(left.reason, folders) };
}

function withOutcome(checked: Checked, outcome: Answered | LeftOut): Checked {
  return 'gap' in outcome
    ? { ...checked, leftOut: [...checked.leftOut, outcome] }
    : { ...checked, answered: [...checked.answered, outcome] };
}

async function workloadOf({ model, data, limit }: AnalysisContext): Promise<Workload> {
  const shapes = data === undefined ? {} : await sampleShapesOf(data);
  return {
    model,
    limit,
    sampleCount: Math.min(data?.sampleCount ?? 1, limit ?? Infinity),
    sampleShapes: Object.fromEntries(Object.entries(shapes).map(([name, dims]) => [name, dims.slice(1)])),
  };
}

/** Times the model itself on a batch of the data; undefined without data. */
async function timingOf({
  model,
  data,
  runtime,
  batchSize,
}: AnalysisContext): Promise<BatchTiming | undefined> {
  if (data === undefined) return undefined;
  const session = await runtime.open(model);
  try {
    return await timeBatch(session, data, batchSize);
  } finally {
    await session.close();
  }
}

/** Gives every part the first samples only, and keeps what they share apart from what was shared on all. */
function onFirst(context: AnalysisContext, sampleCount: number): AnalysisContext {
  const shared: SharedWork = {
    once: (key, work) => context.shared.once(`${key} on the first ${String(sampleCount)}`, work),
  };
  return { ...context, limit: sampleCount, shared };
}

/** An analysis with the piece of the progress bar that is its own. */
interface Share {
  readonly candidate: Candidate;
  readonly begin: number;
  readonly width: number;
}

function sharesOf(candidates: readonly Candidate[], workload: Workload): Share[] {
  const passes = candidates.map((candidate) => costOfCandidate(candidate, workload).passCount);
  const total = passes.reduce((sum, count) => sum + count, 0);
  let before = 0;
  return candidates.map((candidate, index) => {
    const width = (passes[index] ?? 0) / Math.max(1, total);
    const begin = before;
    before += width;
    return { candidate, begin, width };
  });
}

/** Returns what moves the checkup's bar by a part's progress. */
function partOfBar(
  context: AnalysisContext,
  { candidate, begin, width }: Share,
): AnalysisContext['progress'] {
  return ({ fractionDone, message }) => {
    context.progress({
      fractionDone: begin + width * fractionDone,
      message: `${candidate.analysis.title}: ${message}`,
    });
  };
}
