import { Cancelled } from '../../../base/abort.js';
import { messageOf, UserError } from '../../../base/errors.js';
import { restoreRandom } from '../../../base/random.js';
import type { AnalysisContext, ReportDraft } from '../../analysis.js';
import { typedSettings } from '../../shared/askedAnalysis.js';
import type { Candidate } from './candidates.js';
import type { Answered, LeftOut } from './outcome.js';

/** What the parts of a checkup run in. */
export interface PartRun {
  /** The checkup's own, with the samples and shared work that every part gets. */
  readonly context: AnalysisContext;
  /** Aborted when the budget is spent. */
  readonly deadline: AbortSignal;
  /** Returns the checkup's draft with what the part knows so far. */
  draftWith(answered: Answered): ReportDraft;
}

/**
 * Runs one analysis of a checkup as it would run alone with the same seed. What goes wrong is an outcome, so that the others
 * are run all the same; when the budget ends it, what it knew until then is its answer.
 *
 * @throws Cancelled when the checkup is.
 */
export async function runPart(candidate: Candidate, run: PartRun): Promise<Answered | LeftOut> {
  const { analysis, settings } = candidate;
  const { context, deadline } = run;
  if (isOver(deadline)) return cutShort(candidate);
  const startMs = performance.now();
  const last: { makeDraft?: () => ReportDraft } = {};
  const answer = (draft: ReportDraft, isCut: boolean): Answered => ({
    ...{ analysis, settings, draft, isCut },
    durationMs: Math.round(performance.now() - startMs),
  });
  try {
    const draft = await analysis.run(
      {
        ...context,
        random: restoreRandom(context.random.state()),
        signal: AbortSignal.any([context.signal, deadline]),
        partial: (makeDraft) => {
          last.makeDraft = makeDraft;
          context.partial(() => run.draftWith(answer(makeDraft(), true)));
        },
      },
      typedSettings(settings),
    );
    return answer(draft, false);
  } catch (error) {
    if (error instanceof Cancelled) {
      if (!isOver(deadline) || isOver(context.signal)) throw error;
      return last.makeDraft === undefined ? cutShort(candidate) : answer(last.makeDraft(), true);
    }
    return { analysis, ...problemOf(error) };
  }
}

/** Asked anew each time: it changes while a part runs. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}

function cutShort({ analysis }: Candidate): LeftOut {
  return {
    analysis,
    gap: 'no budget',
    reason: 'The time was over before it had an answer: raise budget, or run it alone.',
  };
}

/** What a person can mend is what does not fit: the model, the data, or a setting that it needs. */
function problemOf(error: unknown): Pick<LeftOut, 'gap' | 'reason'> {
  const isInput = error instanceof UserError && error.kind === 'input';
  return { gap: isInput ? 'does not apply' : 'failed', reason: messageOf(error) };
}
