import { UserError } from '../../base/errors.js';
import { type Analysis, type AnalysisContext, defineAnalysis, type ReportDraft } from '../analysis.js';
import { typedSettings } from '../shared/askedAnalysis.js';
import { followCheckpoints, listCheckpoints } from '../shared/checkpoints.js';
import { givenSteps } from './timeline/course.js';
import { requireFit, timelineQuestion } from './timeline/question.js';
import { type TimelineChoices, timelineSettings, type TimelineSettings } from './timeline/settings.js';
import { timelineDraft, timelineMetrics } from './timeline/timelineReport.js';

/**
 * Returns the timeline over other analyses: one of them is run on every checkpoint of a training, and its metrics are drawn
 * against the step.
 *
 * Each checkpoint's answer is the one that a run of its own with the same seed would give, and is a report of its own. A
 * checkpoint that cannot be measured is a row that says why. It assumes that all are the same model, exported alike. A fit is
 * a description: with few checkpoints several curves fit, and parameters that the checkpoints do not determine are named as
 * not identifiable. Caveat: its bands assume independent noise of one size along the training, which checkpoints rarely have.
 */
export function createTimeline(analyses: readonly Analysis[]): Analysis<TimelineSettings> {
  return defineAnalysis({
    id: 'timeline',
    question: 'compare',
    title: 'Timeline over checkpoints',
    asks: 'How does a number change over training?',
    needs: { data: 'optional', labels: 'optional', gradients: false },
    settings: timelineSettings(analyses.map(({ id }) => id)),
    metrics: timelineMetrics,
    papers: [],
    rows: [],
    cost: (chosen, workload) => {
      const count = Math.max(1, workload.listedCount ?? 0);
      const plain = { passCount: workload.sampleCount, readCount: workload.sampleCount };
      const { passCount, readCount } = costOfOne(chosen, analyses, workload) ?? plain;
      return { passCount: count * passCount, readCount: count * readCount };
    },
    run: (context, chosen) => measureTimeline(context, chosen, analyses),
  });
}

function costOfOne(
  chosen: TimelineChoices,
  analyses: readonly Analysis[],
  workload: Parameters<NonNullable<Analysis['cost']>>[1],
): ReturnType<NonNullable<Analysis['cost']>> | undefined {
  try {
    const { analysis, settings } = timelineQuestion(chosen, analyses);
    return analysis.cost?.(typedSettings(settings), { ...workload, listedCount: 0 });
  } catch (error) {
    // What does not fit says so when it is run.
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

async function measureTimeline(
  context: AnalysisContext,
  chosen: TimelineChoices,
  analyses: readonly Analysis[],
): Promise<ReportDraft> {
  const question = timelineQuestion(chosen, analyses);
  requireFit(question, context);
  const { analysis, settings } = question;
  const checkpoints = await listCheckpoints(context, chosen.checkpoints);
  const steps = givenSteps(chosen, checkpoints.length);
  const answers = await followCheckpoints(context, checkpoints, {
    ...(steps === undefined ? {} : { steps }),
    stepKey: chosen.stepKey,
    measure: (model, { name }, progress) => context.ask({ name, model, analysis, settings, progress }),
    onPoint: (known) => {
      context.partial(() => timelineDraft({ question, answers: known, chosen }));
    },
  });
  return timelineDraft({ question, answers, chosen });
}
