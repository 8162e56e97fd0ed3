import { float32Tensor } from '../../onnx/tensorValue.js';
import { formatNumber } from '../../protocol/formatReport.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import { type AnalysisContext, defineAnalysis, type ReportDraft, type ResultArray } from '../analysis.js';
import { rowName } from './attribution/rows.js';
import { influenceBlocks, strongest, suspects } from './influence/report.js';
import {
  defaultTestCount,
  defaultTrainingCount,
  influenceSettings,
  type InfluenceSettings,
} from './influence/settings.js';
import { type InfluenceStudy, passesPerNorm, passesPerProduct, studyInfluence } from './influence/study.js';

/**
 * Training influence: which training rows lowered, and which raised, the loss of a row (TracIn over checkpoints).
 *
 * I(z, z′) = Σ_k η_k ∇L(w_k, z) · ∇L(w_k, z′) over the checkpoints w_k: to first order, what steps of size η on z′ took from the
 * loss of z. Assumes plain gradient descent in small steps: with Adam the steps went elsewhere. Positive is a proponent,
 * negative an opponent. I(z, z) is self-influence: rows that only their own step could teach, which wrong labels and rare kinds
 * are. Caveat: the last layer alone says what the features made alike, not why.
 *
 * Source: Pruthi, Liu, Kale & Sundararajan (2020), "Estimating Training Data Influence by Tracing Gradient Descent", eq. of
 * TracInCP, https://arxiv.org/abs/2002.08484. Differs: gradients are those of the model as it answers (normalisations by their
 * running statistics, no dropout, no augmentation).
 */
export const trainingInfluence = defineAnalysis({
  id: 'training-influence',
  question: 'prediction',
  title: 'Training influence',
  asks: 'Which training examples made the model answer like this, and which are labelled wrongly?',
  needs: { data: 'required', labels: 'required', gradients: true },
  settings: influenceSettings,
  metrics: {
    trainingCount: { title: 'Training rows', description: 'Training rows whose influence was measured.' },
    checkpointCount: { title: 'Checkpoints', description: 'Checkpoints that were summed over.' },
    sameLabelShare: {
      title: 'Proponents of the same label',
      description: 'Of the five strongest proponents of each row, the share with its label.',
    },
    disputedShare: {
      title: 'Suspects the model disputes',
      description:
        'Of the tenth of training rows with the largest self-influence, the share that the last checkpoint gives another class.',
    },
    concentration: {
      title: 'Self-influence of the top tenth',
      description: 'Share of all self-influence that the tenth of training rows with the most of it has.',
    },
  },
  papers: [
    {
      id: 'pruthi2020',
      title: 'Estimating Training Data Influence by Tracing Gradient Descent',
      url: 'https://arxiv.org/abs/2002.08484',
    },
  ],
  rows: [],
  cost({ rows, selfInfluence }, { sampleCount, limit }) {
    const testCount = rows?.split(',').length ?? defaultTestCount;
    const trainingCount = Math.min(sampleCount, limit ?? defaultTrainingCount);
    const each = 1 + testCount * passesPerProduct + (selfInfluence ? passesPerNorm : 0);
    return { passCount: trainingCount * each, readCount: trainingCount + testCount };
  },
  run: async (context, chosen) => draftOf(context, await studyInfluence(context, chosen), chosen),
});

const shareLabels = {
  sameLabelShare: 'Proponents of the same label',
  disputedShare: 'Suspects the model disputes',
  concentration: 'Self-influence of the top tenth',
} as const;

const proponentCount = 5;
const suspectShare = 0.1;

function draftOf(context: AnalysisContext, study: InfluenceStudy, chosen: InfluenceSettings): ReportDraft {
  const { training, test } = study;
  const count = training.rows.count;
  const evidence: Evidence =
    count >= training.rows.availableCount
      ? { kind: 'measured', n: count }
      : { kind: 'sampled', n: count, how: `the first ${count.toLocaleString('en-US')} training rows` };
  const metrics = metricsOf(study);
  return {
    title: 'Training influence',
    summary: summaryOf(study, metrics, chosen),
    usedCount: chosen.training === null ? count : test.rows.count,
    metrics,
    evidence: {
      ...Object.fromEntries(Object.keys(metrics).map((key) => [key, evidence])),
      ...missingEvidence(metrics, chosen),
    },
    findings: findingsOf(study, metrics),
    arrays: arraysOf(study, evidence),
    blocks: [
      {
        type: 'metrics',
        items: [
          { metric: 'trainingCount', label: 'Training rows', format: 'count' },
          { metric: 'checkpointCount', label: 'Checkpoints', format: 'count' },
          ...Object.entries(shareLabels).flatMap(([metric, label]) =>
            metrics[metric] === undefined ? [] : [{ metric, label, format: 'percent' as const }],
          ),
        ],
      },
      { type: 'findings' },
      ...influenceBlocks(study),
      { type: 'citation', papers: ['pruthi2020'] },
    ],
    warnings: warningsOf(context, study, chosen),
  };
}

function metricsOf(study: InfluenceStudy): Record<string, number> {
  const { training, test, selfInfluence, predictions, checkpoints, ownRows } = study;
  const labels = [...ownRows.keys()].flatMap((row) =>
    strongest(study, row, 'proponents')
      .slice(0, proponentCount)
      .map((each) => training.labels[each.row] === test.labels[row]),
  );
  const top = selfInfluence === undefined ? [] : topTenth(selfInfluence);
  const total = selfInfluence?.reduce((sum, value) => sum + value, 0) ?? 0;
  const disputed = top.filter(({ row }) => predictions?.training[row] !== training.labels[row]);
  return {
    trainingCount: training.rows.count,
    checkpointCount: checkpoints.length,
    ...(labels.length === 0 ? {} : { sameLabelShare: labels.filter(Boolean).length / labels.length }),
    ...(top.length === 0 || predictions === undefined ? {} : { disputedShare: disputed.length / top.length }),
    ...(total > 0 ? { concentration: top.reduce((sum, { influence }) => sum + influence, 0) / total } : {}),
  };
}

function topTenth(selfInfluence: Float64Array): ReturnType<typeof suspects> {
  return suspects(selfInfluence).slice(0, Math.ceil(suspectShare * selfInfluence.length));
}

function missingEvidence(
  metrics: Readonly<Record<string, number>>,
  { selfInfluence }: InfluenceSettings,
): Record<string, Evidence> {
  const why: Record<string, string> = {
    sameLabelShare: 'no training row lowered the loss of a row asked about',
    disputedShare: selfInfluence ? 'the model predicts no classes' : 'selfInfluence=false',
    concentration: selfInfluence ? 'all self-influence is zero' : 'selfInfluence=false',
  };
  return Object.fromEntries(
    Object.entries(why)
      .filter(([key]) => metrics[key] === undefined)
      .map(([key, how]) => [key, { kind: 'not-captured', how } as const]),
  );
}

function summaryOf(
  study: InfluenceStudy,
  metrics: Readonly<Record<string, number>>,
  { layers }: InfluenceSettings,
): string {
  const { training, checkpoints, test } = study;
  const same = metrics['sameLabelShare'];
  const at = checkpoints.length === 1 ? 'one checkpoint' : `${String(checkpoints.length)} checkpoints`;
  const whose =
    layers === 'all' ? 'all weights' : `weights of ${study.layers.map(({ name }) => name).join(', ')}`;
  const proponents =
    same === undefined
      ? 'no training row lowered the loss of the rows asked about'
      : `${formatNumber(same, 'percent')} of the strongest proponents of ${String(test.rows.count)} rows have their label`;
  const disputed = metrics['disputedShare'];
  const suspicion =
    disputed === undefined
      ? ''
      : `; of the tenth with the most self-influence the model disputes ${formatNumber(disputed, 'percent')} of the labels`;
  return `Of ${training.rows.count.toLocaleString('en-US')} training rows at ${at} (${whose}), ${proponents}${suspicion}.`;
}

function arraysOf(
  { influence, selfInfluence, test, training }: InfluenceStudy,
  evidence: Evidence,
): Record<string, ResultArray> {
  const count = training.rows.count;
  const floats = (values: Float64Array, dims: readonly number[]): ResultArray => ({
    value: float32Tensor(Float32Array.from(values), dims),
    evidence,
  });
  return {
    influence: floats(influence, [test.rows.count, count]),
    ...(selfInfluence === undefined ? {} : { selfInfluence: floats(selfInfluence, [count]) }),
  };
}

function findingsOf(study: InfluenceStudy, metrics: Readonly<Record<string, number>>): Finding[] {
  const { training, predictions, selfInfluence } = study;
  const disputed = metrics['disputedShare'];
  const findings: Finding[] = [];
  if (selfInfluence !== undefined && predictions !== undefined && disputed !== undefined && disputed > 0) {
    const rows = topTenth(selfInfluence).filter(
      ({ row }) => predictions.training[row] !== training.labels[row],
    );
    const named = rows.slice(0, 5).map(({ row }) => rowName(training.rows.ids[row] ?? ''));
    findings.push({
      severity: rows.length > 1 ? 'warning' : 'info',
      message: `${String(rows.length)} of the training rows with the largest self-influence are labelled as the model would not: ${named.join(', ')}${rows.length > named.length ? ', …' : ''}.`,
      advice: 'Look at them first: wrong labels are among them, and so are rare kinds that are right.',
    });
  }
  if ((metrics['sameLabelShare'] ?? 1) < 0.5) {
    findings.push({
      severity: 'info',
      message: 'Most of the strongest proponents have another label than the row that they helped.',
      advice: 'The row may be labelled wrongly itself, or the model mixes the two classes: compare them.',
    });
  }
  return findings;
}

function warningsOf(
  { model }: AnalysisContext,
  { training, test, checkpoints }: InfluenceStudy,
  { checkpoints: path, training: trainingPath }: InfluenceSettings,
): string[] {
  return [
    ...new Set([...test.rows.warnings, ...training.rows.warnings]),
    ...(path === null
      ? [
          `Only the finished model (${model.file.path.split(/[\\/]/).at(-1) ?? ''}) was asked: gradients of rows that it has learned are small. Set checkpoints to those of its training.`,
        ]
      : [`Checkpoints: ${checkpoints.map(({ name }) => name).join(', ')}.`]),
    ...(trainingPath === null
      ? [
          'The data of the run stand for the training data: set training to the data that the model was trained on.',
        ]
      : []),
  ];
}
