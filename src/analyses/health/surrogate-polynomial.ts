import { UserError } from '../../base/errors.js';
import type { Exponents } from '../../engine/numeric/polynomials.js';
import type { Block } from '../../protocol/blocks.js';
import { formatNumber } from '../../protocol/formatReport.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import type { SettingsSchema } from '../../protocol/settings.js';
import {
  type AnalysisContext,
  defineAnalysis,
  type ReportDraft,
  type ResultArray,
  type SettingsOf,
} from '../analysis.js';
import { chooseFeatures, type SurrogateFeatures, tooManyTerms } from './surrogate/chooseFeatures.js';
import { surrogateCost } from './surrogate/cost.js';
import { type DegreeFit, fitSurrogate } from './surrogate/fitSurrogate.js';
import { type Pairs, readPairs, realInputs } from './surrogate/readPairs.js';
import { degreeChart, degreeTable, type LeftOutDegree, outputTable, termTable } from './surrogate/report.js';

const settings = {
  degree: {
    kind: 'integer',
    title: 'Degree',
    description: 'Polynomials of degree 1 up to this one are fitted.',
    default: 3,
    minimum: 1,
    maximum: 5,
  },
  output: {
    kind: 'text',
    title: 'Output',
    description: 'Name of the output that is approximated; default the first that holds real numbers.',
    default: null,
  },
  rows: {
    kind: 'integer',
    title: 'Rows',
    description: 'Samples at most that the model is run on, drawn with the seed where there are more.',
    default: 2000,
    minimum: 5,
    maximum: 20_000,
  },
  features: {
    kind: 'integer',
    title: 'Features',
    description:
      'Leading directions of the inputs that the polynomial is one of; default their elements where degree 2 in them is within the limits, else as many directions as are.',
    default: null,
    minimum: 1,
    maximum: 500,
  },
  terms: {
    kind: 'integer',
    title: 'Terms',
    description: 'Terms of a polynomial at most; degrees with more are left out.',
    default: 500,
    minimum: 2,
    maximum: 1000,
  },
  ridge: {
    kind: 'number',
    title: 'Ridge',
    description:
      'Added to the variances of the standardised terms, 1 each: makes fits of terms that depend on each other stable.',
    default: 1e-8,
    minimum: 1e-10,
    maximum: 10,
  },
} as const satisfies SettingsSchema;

type Settings = SettingsOf<typeof settings>;

const metrics = {
  r2: {
    title: 'R²',
    description: 'Of the chosen degree, on rows that were left out of the fit, all outputs together.',
  },
  linearR2: { title: 'R² of degree 1', description: 'The same for the linear function.' },
  chosenDegree: {
    title: 'Degree',
    description: 'The lowest degree that comes within 0.001 of the highest R² on left-out rows.',
  },
  termCount: { title: 'Terms', description: 'Terms of the polynomial of that degree, the constant counted.' },
  agreement: {
    title: 'Agreement',
    description: 'Share of left-out rows on which the largest output of the polynomial is that of the model.',
  },
  keptVariance: {
    title: 'Inputs kept',
    description: 'Share of the variance of the inputs that the features hold.',
  },
  featureCount: { title: 'Features', description: 'Variables of the polynomial.' },
  rowCount: { title: 'Rows', description: 'Rows that were fitted and left out in turn.' },
} as const;

/** Folds of the cross-validation. */
const foldCount = 5;

/** R² that is lost for a lower degree. */
const negligible = 1e-3;

/**
 * Surrogate polynomial: how well a polynomial of the inputs says what the model does, degree by degree.
 *
 * ŷ = c + Σ c_e Π z_i^{e_i}, Σ e_i ≤ d, z the standardised features, fitted to the model’s own outputs by least squares with a
 * small ridge; R² = 1 − Σ (y − ŷ)² / Σ (y − ȳ)² on rows left out of the fit, five folds. High at degree 1: on these data the model
 * is a linear function. Low at all degrees: it needs what no polynomial of this size has. Caveat: it holds near these data only.
 *
 * Source: Cheng, Khomtchouk, Matloff & Mohanty (2018), "Polynomial Regression As an Alternative to Neural Nets",
 * https://arxiv.org/abs/1806.06850. Differs: the paper fits polynomials to the labels instead of a network; here one is fitted to
 * the outputs of a trained network, to see what it computes.
 */
export const surrogatePolynomial = defineAnalysis({
  id: 'surrogate-polynomial',
  question: 'health',
  title: 'Surrogate polynomial',
  asks: 'Would a polynomial of the inputs do the same?',
  needs: { data: 'required', labels: 'none', gradients: false },
  settings,
  metrics,
  papers: [
    {
      id: 'cheng2018',
      title: 'Polynomial Regression As an Alternative to Neural Nets',
      url: 'https://arxiv.org/abs/1806.06850',
      line: 149,
    },
  ],
  rows: [
    {
      line: 149,
      limits:
        'Real inputs only. Wide inputs are reduced to leading directions (over 1,024 elements: of means of neighbours), wide outputs to the 16 numbers that vary most; 1,000 terms at most, and two rows for each.',
    },
  ],
  lacks: (model) => (realInputs(model).length === 0 ? 'none of its inputs holds real numbers' : undefined),
  cost: ({ rows, degree, terms, features }, workload) =>
    surrogateCost({ rows, degree, foldCount, termLimit: terms, featureCount: features }, workload),
  run: examine,
});

interface Found {
  readonly pairs: Pairs;
  readonly features: SurrogateFeatures;
  readonly exponents: Exponents;
  readonly fits: readonly DegreeFit[];
  readonly leftOut: readonly LeftOutDegree[];
  readonly chosen: DegreeFit;
  readonly hasClasses: boolean;
  readonly outputNames: readonly string[];
}

async function examine(context: AnalysisContext, chosen: Settings): Promise<ReportDraft> {
  const { data, model } = context;
  if (data === undefined) throw new Error('The runner starts no analysis without the data it needs.');
  if (realInputs(model).length === 0) throw noRealInput();
  const pairs = await readPairs(context, data, { rowCount: chosen.rows, output: chosen.output });
  const rowCount = pairs.outputs.length;
  if (rowCount < foldCount) throw tooFewRows(rowCount, pairs.brokenCount);
  const trainingCount = rowCount - Math.ceil(rowCount / foldCount);
  const limits = { termLimit: chosen.terms, trainingCount };
  const features = await chooseFeatures(context, pairs, {
    ...limits,
    ...{ degree: chosen.degree, featureCount: chosen.features },
  });
  const degrees: number[] = [];
  const leftOut: LeftOutDegree[] = [];
  for (let degree = 1; degree <= chosen.degree; degree++) {
    const reason = tooManyTerms(features.names.length, degree, limits);
    if (reason === undefined) degrees.push(degree);
    else leftOut.push({ degree, reason });
  }
  const { outputs } = pairs;
  const { exponents, fits } = await fitSurrogate(context, {
    ...{ features, outputs, degrees, ridge: chosen.ridge, foldCount },
  });
  const best = Math.max(...fits.map(({ crossValidated }) => crossValidated));
  const [first] = fits;
  if (first === undefined) throw new Error('A degree is within the limits the features were chosen by.');
  const hasClasses = pairs.outputWidth >= 2 && pairs.outputWidth === pairs.outputIndices.length;
  return draftOf({
    ...{ pairs, features, exponents, fits, leftOut, hasClasses },
    chosen: fits.find(({ crossValidated }) => crossValidated >= best - negligible) ?? first,
    outputNames: outputNamesOf(pairs, hasClasses ? data.labelNames : undefined),
  });
}

function outputNamesOf(
  { outputName, outputIndices, outputWidth }: Pairs,
  labels: readonly string[] | undefined,
): string[] {
  if (outputWidth === 1) return [outputName];
  return outputIndices.map((index) => labels?.[index] ?? `${outputName}[${index}]`);
}

function noRealInput(): UserError {
  return new UserError(
    'no-real-input',
    'None of the inputs of this model holds real numbers, and a polynomial of token ids says nothing. Choose a model of features, pictures or signals.',
  );
}

function tooFewRows(rowCount: number, brokenCount: number): UserError {
  const broken = brokenCount === 0 ? '' : `, beside ${brokenCount} with NaN or infinite numbers`;
  return new UserError(
    'too-few-samples',
    `Only ${rowCount} rows can be used${broken}, and cross-validation needs ${foldCount} at least. Pass more samples.`,
  );
}

function draftOf(found: Found): ReportDraft {
  const { pairs, features, fits, leftOut, chosen, hasClasses, outputNames, exponents } = found;
  const values = metricsOf(found);
  const measured: Evidence = {
    kind: 'sampled',
    n: pairs.outputs.length,
    how: `${foldCount}-fold cross-validation`,
  };
  const evidenceOf = (key: string): Evidence =>
    key in values ? measured : { kind: 'not-captured', how: whyMissing(key) };
  return {
    title: 'Surrogate polynomial',
    summary: summaryOf(found),
    usedCount: pairs.outputs.length,
    metrics: values,
    evidence: Object.fromEntries(Object.keys(metrics).map((key) => [key, evidenceOf(key)])),
    findings: findingsOf(found),
    arrays: arraysOf(found, measured),
    blocks: [
      { type: 'metrics', items: metricItems(Object.keys(values)) },
      { type: 'findings', title: 'Findings' },
      degreeChart(fits),
      degreeTable(fits, leftOut, hasClasses),
      termTable({ fit: chosen, exponents, features, outputNames }),
      ...(outputNames.length > 1 ? [outputTable(fits, outputNames)] : []),
      howToRead,
      { type: 'citation', papers: ['cheng2018'] },
    ],
    warnings: warningsOf(found),
  };
}

function whyMissing(key: string): string {
  return key === 'agreement' ? 'the output is no list of classes' : 'no output varies';
}

function metricItems(
  keys: readonly string[],
): { metric: string; label: string; format?: 'count' | 'percent' }[] {
  return keys.map((metric) => ({
    metric,
    label: metrics[metric as keyof typeof metrics].title,
    ...(metric.endsWith('Count') || metric === 'chosenDegree' ? { format: 'count' as const } : {}),
    ...(metric === 'agreement' || metric === 'keptVariance' ? { format: 'percent' as const } : {}),
  }));
}

const howToRead: Block = {
  type: 'markdown',
  title: 'How to read this',
  folded: true,
  text: 'A polynomial is fitted to what the model answers, not to the labels. R² on rows that were left out says how much of the variation of the outputs it gives: 1 is all of it, 0 no more than their mean. Where it hardly grows with the degree, higher terms add nothing; where it falls while that of the fitted rows grows, there are too many terms for the rows. A high R² says that a much simpler function does the same on data like these, and the terms say which.',
};

function metricsOf({ pairs, features, fits, chosen, hasClasses }: Found): Record<string, number> {
  const [linear] = fits;
  return {
    ...(Number.isNaN(chosen.crossValidated) ? {} : { r2: chosen.crossValidated }),
    ...(linear === undefined || Number.isNaN(linear.crossValidated)
      ? {}
      : { linearR2: linear.crossValidated }),
    chosenDegree: chosen.degree,
    termCount: chosen.termCount,
    ...(hasClasses ? { agreement: chosen.agreement } : {}),
    keptVariance: features.keptVariance,
    featureCount: features.names.length,
    rowCount: pairs.outputs.length,
  };
}

function featuresText({ features, pairs }: Found): string {
  const count = `${features.names.length}`;
  return features.isReduced
    ? `${count} leading directions of the ${(pairs.pooledFrom ?? pairs.names.length).toLocaleString('en')} input elements`
    : `${count} features`;
}

function summaryOf(found: Found): string {
  const { chosen, fits, hasClasses, pairs } = found;
  const [linear] = fits;
  if (Number.isNaN(chosen.crossValidated)) return `The output ${pairs.outputName} is the same in all rows.`;
  const agreement = hasClasses
    ? ` and agrees on the class of ${formatNumber(chosen.agreement, 'percent')} of them`
    : '';
  const line =
    chosen.degree === 1 || linear === undefined
      ? ''
      : `; a linear function gives ${formatNumber(linear.crossValidated)}`;
  return `A polynomial of degree ${chosen.degree} in ${featuresText(found)} gives the model’s outputs with R² = ${formatNumber(chosen.crossValidated)} on rows it was not fitted to${agreement}${line}.`;
}

function warningsOf({ pairs, features, leftOut }: Found): string[] {
  const { brokenCount, outputIndices, outputWidth, outputName, pooledFrom } = pairs;
  const [first] = leftOut;
  return [
    ...(brokenCount === 0
      ? []
      : [`${brokenCount} rows with NaN or infinite inputs or outputs were left out.`]),
    ...(outputIndices.length === outputWidth
      ? []
      : [
          `Of the ${outputWidth.toLocaleString('en')} numbers of ${outputName} the ${outputIndices.length} that vary most in the first batch are approximated.`,
        ]),
    ...(pooledFrom === undefined
      ? []
      : [
          `The ${pooledFrom.toLocaleString('en')} input elements were averaged over runs of neighbours first.`,
        ]),
    ...(features.isReduced
      ? [`The features hold ${formatNumber(features.keptVariance, 'percent')} of the variance of the inputs.`]
      : []),
    ...(first === undefined
      ? []
      : [
          `Degree ${first.degree} and above was left out: ${first.reason}. Raise terms, pass more samples or lower features.`,
        ]),
  ];
}

/** From here on a polynomial is said to do the same. */
const sameFrom = 0.99;

function findingsOf(found: Found): Finding[] {
  const { fits, chosen, pairs } = found;
  const same = fits.find(({ crossValidated }) => crossValidated >= sameFrom);
  if (same === undefined || same.degree > chosen.degree) return [];
  const what = same.degree === 1 ? 'a linear function' : `a polynomial of degree ${same.degree}`;
  return [
    {
      severity: 'info',
      message: `On these data ${pairs.outputName} is ${what} of ${featuresText(found)}, to R² = ${formatNumber(same.crossValidated)} on rows it was not fitted to.`,
      advice:
        'A model that simple may do: compare its accuracy. If you expected more of the network, look for saturated or dead units and for inputs that are scaled too small.',
    },
  ];
}

function arraysOf(
  { fits, chosen, exponents, features }: Found,
  evidence: Evidence,
): Record<string, ResultArray> {
  const column = (data: number[]): ResultArray => ({
    value: { dtype: 'float64', dims: [data.length], data: Float64Array.from(data) },
    evidence,
  });
  const termCount = chosen.termCount - 1;
  const [variableCount, outputCount] = [features.names.length, chosen.raw.length];
  return {
    r2ByDegree: column(fits.map(({ crossValidated }) => crossValidated)),
    r2ByOutput: column([...chosen.byOutput]),
    exponents: {
      value: {
        ...{ dtype: 'uint8', dims: [termCount, variableCount] },
        data: Uint8Array.from(exponents.slice(0, termCount).flat()),
      },
      evidence: { ...evidence, how: 'of each feature, by term' },
    },
    coefficients: {
      value: {
        ...{ dtype: 'float64', dims: [outputCount, termCount] },
        data: Float64Array.from(chosen.raw.flatMap(({ coefficients }) => [...coefficients])),
      },
      evidence: { ...evidence, how: 'of the features as they are, by output and term' },
    },
    constants: column(chosen.raw.map(({ constant }) => constant)),
  };
}
