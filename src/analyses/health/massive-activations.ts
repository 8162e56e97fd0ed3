import { counted, formatNumber } from '../../protocol/formatReport.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import { defineAnalysis, type ReportDraft, type ResultArray } from '../analysis.js';
import { checkpointsSetting, listCheckpoints } from '../shared/checkpoints.js';
import { fittedPeak } from '../shared/courseBlocks.js';
import { type AttentionShare, attentionToMassive } from './massive/attention.js';
import { type ChangedLosses, measureChanges } from './massive/change.js';
import { type MassiveFigures, massiveUnits, measureMassive } from './massive/measure.js';
import { attentionBlocks, changeBlock, courseBlocks, sizeChart, unitTable } from './massive/report.js';
import { measureCourse, type RatioCourse } from './massive/training.js';

const settings = {
  magnitude: {
    kind: 'number',
    title: 'Least magnitude',
    description: 'An entry is massive only where |a| exceeds this.',
    default: 100,
    minimum: 0,
    maximum: 1e9,
  },
  ratio: {
    kind: 'number',
    title: 'Least ratio',
    description: 'An entry is massive only where |a| is at least this × the median |a| of its hidden state.',
    default: 1000,
    minimum: 1,
    maximum: 1e9,
  },
  rows: {
    kind: 'integer',
    title: 'Samples',
    description: 'The first samples, at most this many: hidden states are read as a whole.',
    default: 32,
    minimum: 1,
    maximum: 100_000,
  },
  checkpoints: checkpointsSetting,
} as const;

const metrics = {
  massiveCount: { title: 'Massive entries', description: 'Over all hidden states and samples.' },
  entryCount: { title: 'Entries', description: 'Entries that were looked at.' },
  largestRatio: {
    title: 'Largest ratio',
    description:
      'Largest |a| over the median |a| of a hidden state, the mean over samples; of the state with most.',
  },
  largestMagnitude: { title: 'Largest |a|', description: 'Of that hidden state, the mean over samples.' },
  zeroLossIncrease: {
    title: 'Loss added at 0',
    description: 'What setting the massive entries to 0 adds to the loss, in nats.',
  },
  meanLossIncrease: {
    title: 'Loss added at the mean',
    description: 'What setting the massive entries to their mean over samples adds to the loss, in nats.',
  },
  attentionShare: {
    title: 'Attention to them',
    description: 'Share of attention paid to tokens with massive entries, the mean over attention blocks.',
  },
  peakStep: { title: 'Peak', description: 'Step at which the fitted ratio is at its extreme.' },
  fitRSquared: { title: 'R² of the fit', description: 'Of the emergence curve over the checkpoints.' },
} as const;

/** Passes over the samples: sizes, three losses, attention. */
const passCount = 5;

/** Values that vary less than this are constants. */
const constantVariation = 0.1;

/**
 * Massive activations: the few entries of a hidden state that are larger than all others by orders of magnitude.
 *
 * An entry of a residual block's output is massive when |a| > 100 and |a| ≥ 1000 × the median |a| of that hidden state on that
 * sample. It assumes a residual stream; without one every layer's output is looked at. Usually none is found in small models.
 * Those that are found tend to be constants that the model uses as biases: setting them to 0 hurts, to their mean does not.
 * Caveat: on a few samples a unit may look constant that is not. Over checkpoints the ratio largest/median is followed, and
 * A · exp(−λx) · ln x + K, x = γt + t₀, fitted to it.
 *
 * Source: Sun, Chen, Kolter & Liu (2024), "Massive Activations in Large Language Models", https://arxiv.org/abs/2402.17762;
 * Gallego-Feliciano et al. (2025), "Hidden Dynamics of Massive Activations in Transformer Training",
 * https://arxiv.org/abs/2508.03616.
 */
export const massiveActivations = defineAnalysis({
  id: 'massive-activations',
  question: 'health',
  title: 'Massive activations',
  asks: 'Are a few entries of the hidden states larger than all others, where, and what do they do?',
  needs: { data: 'required', labels: 'optional', gradients: false },
  settings,
  metrics,
  papers: [
    {
      id: 'sun2024massive',
      title: 'Massive Activations in Large Language Models',
      url: 'https://arxiv.org/abs/2402.17762',
      line: 211,
    },
    {
      id: 'gallego2025hidden',
      title: 'Hidden Dynamics of Massive Activations in Transformer Training',
      url: 'https://arxiv.org/abs/2508.03616',
      line: 159,
    },
  ],
  rows: [
    {
      line: 211,
      limits:
        'Changes are made in the first hidden state that has massive entries, at the positions where they were seen on any sample. The loss is that of labels, of next tokens, or of a masked language model’s hidden tokens. Only recognised residual blocks count as a residual stream.',
    },
    {
      line: 159,
      settings: { checkpoints: 'DIR' },
      limits:
        'Follows the hidden state with the largest ratio and fits its curve; the paper fits every layer, and predicts the parameters from the architecture, which is not done. Steps are the last numbers in the names of the files.',
    },
  ],
  cost: ({ rows }, { sampleCount, listedCount = 0 }) => {
    const count = (passCount + listedCount) * Math.min(sampleCount, rows);
    return { passCount: count, readCount: count };
  },
  async run(context, chosen) {
    const rule = { magnitude: chosen.magnitude, ratio: chosen.ratio, sampleCount: chosen.rows };
    const figures = await measureMassive(context, context.model, rule);
    const start = { figures, changed: 'not measured yet', attention: [], course: undefined } as const;
    context.partial(() => draftOf(start));
    context.progress({ fractionDone: 0.2, message: 'Changing massive entries' });
    const changed = await measureChanges(context, massiveUnits(figures), figures.sampleCount);
    const attention = await attentionToMassive(context, figures);
    const known = { figures, changed, attention };
    if (chosen.checkpoints === null) return draftOf({ ...known, course: undefined });
    const checkpoints = await listCheckpoints(context, chosen.checkpoints);
    const onPoint = (course: RatioCourse): void => {
      context.partial(() => draftOf({ ...known, course }));
    };
    return draftOf({ ...known, course: await measureCourse(context, checkpoints, { rule, onPoint }) });
  },
});

interface Study {
  readonly figures: MassiveFigures;
  readonly changed: ChangedLosses | string;
  readonly attention: readonly AttentionShare[];
  /** Over checkpoints; undefined where none were asked for. */
  readonly course: RatioCourse | undefined;
}

function draftOf(study: Study): ReportDraft {
  const { figures, changed, attention, course } = study;
  const units = massiveUnits(figures);
  const { metrics: values, evidence } = numbersOf(study);
  return {
    title: 'Massive activations',
    summary: summaryOf(study, values),
    usedCount: figures.sampleCount,
    metrics: values,
    evidence,
    findings: findingsOf(study),
    arrays: arraysOf(study),
    blocks: [
      {
        type: 'metrics',
        items: Object.keys(values).map((metric) => ({
          metric,
          label: metrics[metric as keyof typeof metrics].title,
          format: metric === 'attentionShare' ? 'percent' : metric.endsWith('Count') ? 'count' : 'number',
          ...(metric.endsWith('Increase') ? { unit: 'nats' } : {}),
        })),
      },
      { type: 'findings', title: 'Findings' },
      ...courseBlocks(course),
      sizeChart(figures),
      unitTable(units),
      changeBlock(changed),
      ...attentionBlocks(attention),
      { type: 'citation', papers: ['sun2024massive', 'gallego2025hidden'] },
    ],
    warnings: [],
  };
}

function numbersOf({ figures, changed, attention, course }: Study): {
  readonly metrics: Record<string, number>;
  readonly evidence: Record<string, Evidence>;
} {
  const { states, sampleCount } = figures;
  const largest = states.reduce((a, b) => (b.ratio > a.ratio ? b : a));
  const values: Record<string, number> = {
    massiveCount: states.reduce((sum, { entries }) => sum + entries.length, 0),
    entryCount: states.reduce((sum, state) => sum + state.entryCount, 0),
    largestRatio: largest.ratio,
    largestMagnitude: largest.top[0],
  };
  const missing: Record<string, string> = {};
  if (typeof changed === 'string') {
    missing['zeroLossIncrease'] = missing['meanLossIncrease'] = changed;
  } else {
    values['zeroLossIncrease'] = changed.zero - changed.untouched;
    values['meanLossIncrease'] = changed.mean - changed.untouched;
  }
  if (attention.length === 0) missing['attentionShare'] = 'nothing attends, or no token has massive entries';
  else values['attentionShare'] = attention.reduce((sum, { share }) => sum + share, 0) / attention.length;
  const fit = course?.fit ?? 'no checkpoints were given';
  const peak = typeof fit === 'string' ? undefined : fittedPeak(fit);
  if (typeof fit === 'string') missing['peakStep'] = missing['fitRSquared'] = fit;
  else values['fitRSquared'] = fit.rSquared;
  if (typeof peak?.peak === 'number') values['peakStep'] = peak.peak;
  const measured: Evidence = { kind: 'measured', n: sampleCount };
  return {
    metrics: values,
    evidence: {
      ...Object.fromEntries(Object.keys(values).map((key) => [key, measured])),
      ...Object.fromEntries(
        Object.entries(missing).map(([key, how]): [string, Evidence] => [key, { kind: 'not-captured', how }]),
      ),
      ...(peak === undefined ? {} : { peakStep: peak.evidence }),
    },
  };
}

function summaryOf({ figures, changed }: Study, values: Record<string, number>): string {
  const { massiveCount = 0, entryCount = 0, largestRatio = NaN } = values;
  const all = formatNumber(entryCount, 'count');
  const samples = counted(figures.sampleCount, 'sample');
  if (massiveCount === 0) {
    return `0 of ${all} entries of the hidden states are massive on ${samples}; the largest is ${formatNumber(largestRatio)} × the median of its hidden state.`;
  }
  const units = massiveUnits(figures);
  const [first] = units;
  const where =
    first === undefined ? '' : `, first in channel ${first.unit} of ${first.figures.state.target.layer}`;
  const effect =
    typeof changed === 'string'
      ? ''
      : ` Set to 0 they change the loss by ${formatNumber(changed.zero - changed.untouched)} nats, to their mean by ${formatNumber(changed.mean - changed.untouched)}.`;
  return `${formatNumber(massiveCount, 'count')} of ${all} entries of the hidden states are massive on ${samples}${where}.${effect}`;
}

function findingsOf({ figures, course }: Study): Finding[] {
  const broken = figures.states.filter(({ notFiniteCount }) => notFiniteCount > 0);
  const findings = broken.map(({ state, notFiniteCount }): Finding => ({
    severity: 'error',
    message: `${formatNumber(notFiniteCount, 'count')} entries of ${state.target.layer} are NaN or infinite.`,
    advice:
      'Find the first layer where this happens: look for overflow, a division by 0 or a logarithm of 0.',
  }));
  const constant = massiveUnits(figures).filter(
    // One sample says nothing of how others vary.
    ({ variation, sampleCount }) => variation < constantVariation && sampleCount > 1,
  );
  if (constant.length > 0) {
    findings.push({
      severity: 'info',
      message: `${counted(constant.length, 'massive channel')} hardly ${constant.length === 1 ? 'varies: it acts as a bias' : 'vary: they act as biases'}.`,
      advice: 'Keep them exact when you quantise or prune: clipping them changes every token.',
    });
  }
  const fit = course?.fit;
  if (fit !== undefined && typeof fit !== 'string' && fit.unidentified.length > 0) {
    findings.push({
      severity: 'warning',
      message: `The checkpoints do not determine ${fit.unidentified.join(', ')} of the fitted curve.`,
      advice: 'Add checkpoints before and after the peak, and do not read these parameters.',
    });
  }
  return findings;
}

function arraysOf({ figures, course }: Study): Record<string, ResultArray> {
  const arrays: Record<string, ResultArray> = {};
  const put = (name: string, rows: readonly (readonly number[])[], evidence: Evidence): void => {
    const width = rows[0]?.length ?? 0;
    const data = Float64Array.from(rows.flat());
    arrays[name] = { value: { dtype: 'float64', dims: [rows.length, width], data }, evidence };
  };
  const measured: Evidence = { kind: 'measured', n: figures.sampleCount };
  const sizes = figures.states.map(({ top, median }) => [...top, median]);
  put('sizes', sizes, measured);
  if (course !== undefined) {
    const points = course.points.map(({ step, value }) => [step, value?.ratio ?? NaN]);
    put('ratioByStep', points, measured);
  }
  return arrays;
}
