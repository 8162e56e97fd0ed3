import { UserError } from '../../base/errors.js';
import type { SettingsSchema } from '../../protocol/settings.js';
import { type AnalysisContext, defineAnalysis, type SettingsOf } from '../analysis.js';
import { featureCountOf } from './attribution/featureCount.js';
import { functionSettings } from './functions/functionSettings.js';
import { type OpenedFunction, openFunction } from './functions/openFunction.js';
import { curvatureOf } from './interactions/curvature.js';
import { interactionReport, type Strength } from './interactions/interactionReport.js';
import { effectPoints, type Interaction, measureEffects } from './interactions/partialEffects.js';
import { measureSelfMasks } from './interactions/selfMasks.js';

const comparesValues = { method: ['h-statistic', 'anova'] } as const;

const settings = {
  method: {
    kind: 'choice',
    title: 'Method',
    description:
      'h-statistic: the share of what features do that is theirs together only (Friedman’s H); anova: their share of the variance of the output, which does not overrate weak features; hessian: the mean second derivative, for smooth models.',
    default: 'h-statistic',
    choices: ['h-statistic', 'anova', 'hessian'],
  },
  order: {
    kind: 'integer',
    title: 'Highest order',
    description: 'How many features an interaction has at most.',
    default: 3,
    minimum: 2,
    maximum: 5,
    appliesWhen: comparesValues,
  },
  candidates: {
    kind: 'integer',
    title: 'Candidates',
    description:
      'Features whose interactions are measured: those that interact most with all others together.',
    default: 6,
    minimum: 2,
    maximum: 64,
    appliesWhen: comparesValues,
  },
  explain: {
    kind: 'choice',
    title: 'Explained value',
    description:
      'auto: the value before a final Softmax, LogSoftmax or Sigmoid, which make everything interact; output: the output itself.',
    default: 'auto',
    choices: ['auto', 'output'],
  },
  ...functionSettings,
} as const satisfies SettingsSchema;

type Settings = SettingsOf<typeof settings>;

/** Rows when no limit is given: the cost grows with their square. */
const rowCountByDefault = 40;

/**
 * Feature interactions: what features do together that no smaller set of them does.
 *
 * By values: with F_S the centred partial dependence on the features S, f_S = Σ_{T ⊆ S} (−1)^{|S|−|T|} F_T;
 * H² = Σ f_S² / Σ F_S² over the rows, and f_S² / Var f is the share of variance. By derivatives: the mean over rows of
 * |∂²f/∂x_j ∂x_k| times both standard deviations. Assumes that features can be combined across rows; where they are
 * correlated, combinations count that never occur. H near 1 with a tiny share of variance is an interaction of features that
 * do nearly nothing: read both. Self-masks c ⊙ relu(norm(c)) are found in the graph, with the share that they mask.
 *
 * Source: Friedman & Popescu (2008), "Predictive learning via rule ensembles", https://doi.org/10.1214/07-AOAS148; Li, Zhang,
 * Zhang, Li, Sang & Zhu (2024), "FCN: Fusing Exponential and Linear Cross Network for Click-Through Rate Prediction",
 * https://arxiv.org/abs/2407.13349.
 */
export const featureInteractions = defineAnalysis({
  id: 'feature-interactions',
  question: 'prediction',
  title: 'Feature interactions',
  asks: 'Which features act together, beyond what each does alone?',
  needs: { data: 'required', labels: 'optional', gradients: false },
  settings,
  metrics: {
    featureCount: { title: 'Features', description: 'Features that were compared.' },
    strongest: {
      title: 'Strongest interaction',
      description: 'Strength of the first of the ranking, by the method.',
    },
    interactionShare: {
      title: 'Variance not of single features',
      description: 'One minus the sum of the variance shares that features have alone.',
    },
    maskedShare: {
      title: 'Masked share',
      description: 'Share of zeros in the self-masks of the graph, the mean over them.',
    },
  },
  papers: [
    {
      id: 'li2024',
      title: 'FCN: Fusing Exponential and Linear Cross Network for Click-Through Rate Prediction',
      url: 'https://arxiv.org/abs/2407.13349',
      line: 181,
    },
    {
      id: 'friedman2008',
      title: 'Predictive learning via rule ensembles',
      url: 'https://doi.org/10.1214/07-AOAS148',
    },
  ],
  rows: [
    {
      line: 181,
      limits:
        'Interactions are measured from outside, so for any model; orders above five, and those among features that are no candidates, are not measured. The Hessian of piecewise linear models is zero: it is reported so. Training with Tri-BCE is not part of it.',
    },
  ],
  cost(chosen, workload) {
    const rowCount = Math.min(workload.sampleCount, workload.limit ?? rowCountByDefault);
    const featureCount = featureCountOf(chosen, workload);
    const options = { candidateCount: chosen.candidates, order: chosen.order };
    // A Hessian-vector product takes about as long as six forward passes.
    const points =
      chosen.method === 'hessian'
        ? 6 * featureCount * rowCount
        : effectPoints(rowCount, featureCount, options);
    return { passCount: 3 * rowCount + points, readCount: rowCount };
  },
  async run(context, chosen) {
    const f = await openFunction(context, chosen, {
      defaultRowCount: rowCountByDefault,
      explain: chosen.explain,
    });
    try {
      if (f.rowCount < 2) throw tooFewRows();
      const measured = await (chosen.method === 'hessian' ? byCurvature(context, f) : byValues(f, chosen));
      const masks = await measureSelfMasks(context, f.problem.rows);
      return interactionReport(f, { method: chosen.method, ...measured, masks });
    } finally {
      await f.close();
    }
  },
});

async function byCurvature(context: AnalysisContext, f: OpenedFunction) {
  const curvature = await curvatureOf(context, f);
  const count = f.features.maxCount;
  const strengths: Strength[] = [];
  for (let first = 0; first < count; first++) {
    for (let second = first + 1; second < count; second++) {
      strengths.push({ features: [first, second], strength: curvature[first * count + second] ?? NaN });
    }
  }
  return { strengths: ranked(strengths), effects: undefined, curvature };
}

async function byValues(f: OpenedFunction, { method, candidates, order }: Settings) {
  const effects = await measureEffects(f, { candidateCount: candidates, order });
  const strengthOf = ({ h, anovaShare }: Interaction): number => {
    // Two roundings of nothing have any ratio: where a set has no share of the variance, it does not interact.
    if (method === 'anova') return anovaShare;
    return anovaShare < noise ? 0 : h;
  };
  const strengths = effects.interactions.map((one) => ({
    features: one.features,
    strength: strengthOf(one),
  }));
  return { strengths: ranked(strengths), effects, curvature: undefined };
}

/** Shares of variance below this are float32 rounding: (2⁻²³ · 10³)². */
const noise = 1.5e-8;

function ranked(strengths: readonly Strength[]): Strength[] {
  const keyOf = ({ strength }: Strength): number => (Number.isNaN(strength) ? -1 : strength);
  return [...strengths].sort((a, b) => keyOf(b) - keyOf(a));
}

function tooFewRows(): UserError {
  return new UserError(
    'too-few-rows',
    'Interactions compare rows, and there is only one. Pass --data with more rows, or a larger --limit.',
  );
}
