import { float32Tensor, type TensorValue } from '../../onnx/tensorValue.js';
import type { MetricsBlock } from '../../protocol/blocks.js';
import { formatNumber } from '../../protocol/formatReport.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import { type AnalysisContext, defineAnalysis, type ReportDraft, type ResultArray } from '../analysis.js';
import { accuracyChart, minimalBlocks, transferBlocks } from './adversarial/charts.js';
import { adversarialPapers } from './adversarial/papers.js';
import { exampleBlocks } from './adversarial/pictures.js';
import { type AdversarialSettings, adversarialSettings } from './adversarial/settings.js';
import { type AdversarialStudy, attackedRowCount, passesOf, studyAttacks } from './adversarial/study.js';
import { rowEvidence } from './attribution/rows.js';

/**
 * Adversarial examples: rows moved by at most ε so that the model takes them for another class.
 *
 * PGD (L∞): x ← Π(x + α sign ∇ₓ loss), Π the projection on the ball of ε around the row and on the valid range; L2 goes along
 * ∇ / ‖∇‖. Assumes that a class does not change within ε. Accuracy that falls as slowly as under random noise: robust to this
 * attack. Accuracy far above zero proves nothing by itself: a stronger attack may do better, and a gradient of zero hides what
 * scores alone (square) find. Perturbations found are upper bounds of the distance to the boundary.
 *
 * Source: Madry et al. (2018), https://arxiv.org/abs/1706.06083 (PGD); Goodfellow, Shlens & Szegedy (2015),
 * https://arxiv.org/abs/1412.6572 (FGSM); Dong et al. (2018), https://arxiv.org/abs/1710.06081 (momentum); Andriushchenko et al.
 * (2020), https://arxiv.org/abs/1912.00049 (square). Differs: gradients are divided by 1 − p of the class, which changes no
 * direction and never vanishes; PGD starts from the row itself before random points.
 */
export const adversarialExamples = defineAnalysis({
  id: 'adversarial-examples',
  question: 'prediction',
  title: 'Adversarial examples',
  asks: 'How little must an input change for the model to be wrong?',
  needs: { data: 'required', labels: 'optional', gradients: true },
  settings: adversarialSettings,
  metrics: {
    cleanAccuracy: {
      title: 'Accuracy as they are',
      description: 'Share of the attacked rows that are right before the attack.',
    },
    adversarialAccuracy: {
      title: 'Accuracy under attack',
      description: 'Share of rows that no perturbation within ε was found for.',
    },
    noiseAccuracy: {
      title: 'Accuracy under noise',
      description: 'The same for random perturbations of size ε (or the largest ε of the curve below it).',
    },
    successRate: { title: 'Fooled', description: 'Share of the right rows that the attack fooled within ε.' },
    epsilon: { title: 'ε', description: 'Largest perturbation allowed, in units of the input.' },
    maxPerturbation: {
      title: 'Largest perturbation',
      description: 'Largest perturbation made, in the norm chosen; never above ε.',
    },
    medianMinimal: {
      title: 'Median smallest perturbation',
      description: 'Of the smallest perturbations that fooled, the median over the right rows.',
    },
    queriesPerRow: {
      title: 'Queries a row',
      description: 'Times that scores of a row were asked for in the attack within ε.',
    },
    transferRate: {
      title: 'Transferred',
      description:
        'Of the rows fooled here that both models got right, the share that fools the other model too.',
    },
  },
  papers: adversarialPapers,
  rows: [
    {
      line: 75,
      limits:
        'The tests of its robustness claim are here, not its semantic features. AutoAttack is not: its square attack is, APGD and FAB are not. Square attacks are L∞ only.',
    },
  ],
  cost: (chosen, { sampleCount, limit }) => {
    const rowCount = Math.min(sampleCount, limit ?? attackedRowCount);
    return { passCount: rowCount * passesOf(chosen), readCount: rowCount };
  },
  async run(context, chosen) {
    const study = await studyAttacks(context, chosen);
    context.progress({ fractionDone: 1, message: 'Writing the report' });
    return draftOf(context, study, chosen);
  },
});

function draftOf(
  context: AnalysisContext,
  study: AdversarialStudy,
  chosen: AdversarialSettings,
): ReportDraft {
  const labelNames = context.data?.labelNames;
  const metrics = metricsOf(study);
  const name = context.model.file.path.split(/[\\/]/).at(-1) ?? 'this model';
  return {
    title: 'Adversarial examples',
    summary: summaryOf(study, metrics, chosen),
    usedCount: study.rows.count,
    metrics,
    evidence: evidenceOf(study, metrics),
    findings: findingsOf(study, metrics, chosen),
    arrays: arraysOf(study),
    blocks: [
      { type: 'metrics', items: metricItems(metrics, chosen) },
      { type: 'findings' },
      accuracyChart(study, chosen.attack, chosen.norm),
      ...exampleBlocks(study, labelNames),
      ...transferBlocks(study, name),
      ...minimalBlocks(study, labelNames),
      { type: 'citation', papers: adversarialPapers.map(({ id }) => id) },
    ],
    warnings: warningsOf(study),
  };
}

function metricItems(
  metrics: Readonly<Record<string, number>>,
  chosen: AdversarialSettings,
): MetricsBlock['items'] {
  return [
    { metric: 'cleanAccuracy', label: 'Accuracy as they are', format: 'percent' },
    { metric: 'adversarialAccuracy', label: `Accuracy under ${chosen.attack}`, format: 'percent' },
    { metric: 'noiseAccuracy', label: 'Accuracy under random noise', format: 'percent' },
    { metric: 'epsilon', label: 'ε' },
    { metric: 'maxPerturbation', label: 'Largest perturbation' },
    ...(metrics['medianMinimal'] === undefined
      ? []
      : [{ metric: 'medianMinimal', label: 'Median smallest perturbation' } as const]),
    ...(metrics['transferRate'] === undefined
      ? []
      : [{ metric: 'transferRate', label: 'Transferred', format: 'percent' } as const]),
  ];
}

const isRight = (gap: number | undefined): boolean => !((gap ?? NaN) > 0);

function metricsOf({
  cleanGaps,
  caught,
  curve,
  minimal,
  transfer,
  epsilon,
}: AdversarialStudy): Record<string, number> {
  const count = cleanGaps.length;
  const right = [...cleanGaps.keys()].filter((row) => isRight(cleanGaps[row]));
  const fooled = right.filter((row) => !isRight(caught.gaps[row]));
  const sizes = minimal === undefined ? [] : right.map((row) => minimal[row] ?? NaN).sort((a, b) => a - b);
  const noise = curve.filter((point) => point.epsilon <= epsilon * (1 + 1e-9)).at(-1);
  return {
    cleanAccuracy: right.length / count,
    adversarialAccuracy: (right.length - fooled.length) / count,
    noiseAccuracy: noise?.noiseAccuracy ?? NaN,
    ...(right.length === 0 ? {} : { successRate: fooled.length / right.length }),
    epsilon,
    maxPerturbation: Math.max(...caught.distances),
    ...(sizes.length === 0 ? {} : { medianMinimal: sizes[Math.floor((sizes.length - 1) / 2)] ?? NaN }),
    queriesPerRow: caught.queryCount / count,
    ...(transfer === undefined || Number.isNaN(transfer.rate) ? {} : { transferRate: transfer.rate }),
  };
}

function evidenceOf(
  study: AdversarialStudy,
  metrics: Readonly<Record<string, number>>,
): Record<string, Evidence> {
  const measured = rowEvidence(study.rows);
  const missing: Record<string, string> = {
    successRate: 'no row was right as it is',
    medianMinimal: study.minimal === undefined ? 'bisection=0' : 'no row was right as it is',
    transferRate:
      study.transfer === undefined
        ? 'no otherModel was given'
        : 'no row that both models get right was fooled',
  };
  return {
    ...Object.fromEntries(Object.keys(adversarialExamples.metrics).map((key) => [key, measured])),
    epsilon: { kind: 'measured', how: 'as set, or a share of the range' },
    ...(metrics['medianMinimal'] === undefined
      ? {}
      : {
          medianMinimal: {
            ...measured,
            kind: 'estimated',
            how: 'the smallest that this attack found: an upper bound',
          } as const,
        }),
    ...Object.fromEntries(
      Object.entries(missing)
        .filter(([key]) => metrics[key] === undefined)
        .map(([key, how]) => [key, { kind: 'not-captured', how } as const]),
    ),
  };
}

function arraysOf({
  rows,
  input,
  caught,
  cleanGaps,
  curve,
  minimal,
}: AdversarialStudy): Record<string, ResultArray> {
  const evidence = rowEvidence(rows);
  const floats = (values: ArrayLike<number>, dims: readonly number[]): ResultArray => ({
    value: float32Tensor(Float32Array.from(values), dims) satisfies TensorValue,
    evidence,
  });
  const dims = [rows.count, ...input.dims];
  return {
    adversarial: floats(caught.values, dims),
    perturbation: floats(
      caught.values.map((value, i) => value - (input.values[i] ?? NaN)),
      dims,
    ),
    gap: floats(caught.gaps, [rows.count]),
    cleanGap: floats(cleanGaps, [rows.count]),
    perturbationSize: floats(caught.distances, [rows.count]),
    curveEpsilon: floats(
      curve.map(({ epsilon }) => epsilon),
      [curve.length],
    ),
    curveAccuracy: floats(
      curve.map(({ accuracy }) => accuracy),
      [curve.length],
    ),
    curveNoiseAccuracy: floats(
      curve.map(({ noiseAccuracy }) => noiseAccuracy),
      [curve.length],
    ),
    ...(minimal === undefined ? {} : { minimalPerturbation: floats(minimal, [rows.count]) }),
  };
}

function summaryOf(
  study: AdversarialStudy,
  metrics: Readonly<Record<string, number>>,
  { attack, norm }: AdversarialSettings,
): string {
  const percent = (key: string): string => formatNumber(metrics[key] ?? NaN, 'percent');
  const size = `${norm === 'linf' ? 'L∞' : 'L2'} ε = ${formatNumber(study.epsilon)}`;
  const median = metrics['medianMinimal'];
  const half =
    median === undefined || !Number.isFinite(median)
      ? ''
      : `; half of the right ones fall to ${formatNumber(median)} or less`;
  if (study.isTargeted) {
    return `Within ${size}, ${attack} turns ${percent('successRate')} of the ${study.rows.count.toLocaleString('en-US')} rows that were not of the class wanted into it${half}.`;
  }
  return `Within ${size}, ${attack} takes accuracy on ${study.rows.count.toLocaleString('en-US')} rows from ${percent('cleanAccuracy')} to ${percent('adversarialAccuracy')}, random noise to ${percent('noiseAccuracy')}${half}.`;
}

function findingsOf(
  study: AdversarialStudy,
  metrics: Readonly<Record<string, number>>,
  { attack }: AdversarialSettings,
): Finding[] {
  const { caught, cleanGaps } = study;
  const [clean = 0, attacked = 0, noise = 0] = [
    metrics['cleanAccuracy'],
    metrics['adversarialAccuracy'],
    metrics['noiseAccuracy'],
  ];
  const findings: Finding[] = [];
  if (caught.flatCount > 0) {
    findings.push({
      severity: 'warning',
      message: `The gradient of ${String(caught.flatCount)} of ${String(cleanGaps.length)} rows is zero everywhere the attack looked.`,
      advice: 'Their robustness may be masked gradients only: try attack=square, which needs none.',
    });
  }
  if (clean > 0 && attacked < clean / 2 && noise > attacked + 0.1) {
    findings.push({
      severity: 'warning',
      message: `The attack takes more than half of the right rows, random noise of the same size only ${formatNumber(Math.max(0, (clean - noise) / clean), 'percent')} of them.`,
      advice:
        'The model leans on directions that data do not vary along: train with adversarial or noisy rows, and measure again.',
    });
  }
  if (clean > 0 && attacked > 0.9 * clean) {
    findings.push({
      severity: 'info',
      message: `Within this ε the attack fools few rows.`,
      advice: `Before calling it robust, raise ${attack === 'square' ? 'queries' : 'steps and restarts'}, try attack=${attack === 'square' ? 'pgd' : 'square'}, and look at larger ε on the curve.`,
    });
  }
  return findings;
}

function warningsOf({ range, hasLabels, isTargeted, rows, transfer, attacked }: AdversarialStudy): string[] {
  return [
    `Attacked: ${attacked}. ${range.how}`,
    ...(hasLabels || isTargeted
      ? []
      : ['The data have no labels: the model’s own answers are what the attack leaves.']),
    ...rows.warnings,
    ...(transfer === undefined
      ? []
      : [`${transfer.otherName} was fed the same numbers, prepared for the model attacked first.`]),
  ];
}
