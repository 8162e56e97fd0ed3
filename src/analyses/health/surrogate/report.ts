import type { ChartBlock, TableBlock } from '../../../protocol/blocks.js';
import type { Exponents } from '../../../engine/numeric/polynomials.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { lineChart } from '../../shared/lineChart.js';
import type { SurrogateFeatures } from './chooseFeatures.js';
import type { DegreeFit } from './fitSurrogate.js';

/** A degree that was not fitted. */
export interface LeftOutDegree {
  readonly degree: number;
  readonly reason: string;
}

/** Returns R² over the degree, on left-out rows and on those fitted to. */
export function degreeChart(fits: readonly DegreeFit[]): ChartBlock {
  const rows = fits.flatMap(({ degree, crossValidated, fitted }) => [
    { degree, rows: 'left out', r2: Number.isFinite(crossValidated) ? crossValidated : null },
    { degree, rows: 'fitted to', r2: Number.isFinite(fitted) ? fitted : null },
  ]);
  return lineChart({
    title: 'R² by degree',
    alt: 'Share of the variance of the outputs that a polynomial gives, by its degree, on rows that were left out of the fit and on those it was fitted to.',
    x: { field: 'degree', title: 'Degree' },
    y: { field: 'r2', title: 'R², all outputs together' },
    series: 'rows',
    rows,
    columns: [
      { key: 'degree', label: 'Degree', kind: 'count' },
      { key: 'rows', label: 'Rows', kind: 'text' },
      { key: 'r2', label: 'R²', kind: 'number' },
    ],
  });
}

/** Returns a line for each degree, those left out with the reason. */
export function degreeTable(
  fits: readonly DegreeFit[],
  leftOut: readonly LeftOutDegree[],
  hasClasses: boolean,
): TableBlock {
  return {
    type: 'table',
    title: 'Degrees',
    columns: [
      { key: 'degree', label: 'Degree', kind: 'count' },
      { key: 'terms', label: 'Terms', kind: 'count' },
      { key: 'r2', label: 'R²', kind: 'number', description: 'On rows that were left out of the fit.' },
      { key: 'lowest', label: 'Lowest fold', kind: 'number' },
      { key: 'highest', label: 'Highest fold', kind: 'number' },
      { key: 'fitted', label: 'Fitted', kind: 'number', description: 'R² on the rows it was fitted to.' },
      ...(hasClasses
        ? [
            {
              key: 'agreement',
              label: 'Agreement',
              kind: 'percent' as const,
              description: 'Share of left-out rows on which the largest output is that of the model.',
            },
          ]
        : []),
      { key: 'note', label: 'Left out', kind: 'text' },
    ],
    rows: [
      ...fits.map((fit) => ({
        ...{ degree: fit.degree, terms: fit.termCount, note: null },
        r2: toReportNumber(fit.crossValidated),
        lowest: toReportNumber(fit.lowest),
        highest: toReportNumber(fit.highest),
        fitted: toReportNumber(fit.fitted),
        ...(hasClasses ? { agreement: fit.agreement } : {}),
      })),
      ...leftOut.map(({ degree, reason }) => ({ degree, note: reason })),
    ],
  };
}

/** Terms that are listed. */
const shownTerms = 30;

/** What names and numbers the terms of a fit. */
export interface TermRows {
  readonly fit: DegreeFit;
  readonly exponents: Exponents;
  readonly features: SurrogateFeatures;
  readonly outputNames: readonly string[];
}

/** Returns the terms that move the outputs most: their deviation over the rows. */
export function termTable({ fit, exponents, features, outputNames }: TermRows): TableBlock {
  const all = fit.polynomials.flatMap(({ coefficients }, output) =>
    [...coefficients].map((coefficient, term) => ({
      output: outputNames[output] ?? '',
      term: termName(exponents[term] ?? [], features.names),
      coefficient: fit.raw[output]?.coefficients[term] ?? NaN,
      effect: Math.abs(coefficient) * (fit.termDeviations[term] ?? NaN),
    })),
  );
  const ranked = all.sort((a, b) => b.effect - a.effect);
  return {
    type: 'table',
    title: `Largest terms at degree ${fit.degree}`,
    columns: [
      { key: 'output', label: 'Output', kind: 'text' },
      { key: 'term', label: 'Term', kind: 'text' },
      {
        key: 'coefficient',
        label: 'Coefficient',
        kind: 'number',
        description: 'Of the product of the features as they are, everything multiplied out.',
      },
      {
        key: 'effect',
        label: 'Effect',
        kind: 'number',
        description: 'Deviation over the rows of the term in standardised features, in units of the output.',
      },
    ],
    rows: ranked.slice(0, shownTerms).map((row) => ({
      ...row,
      coefficient: toReportNumber(row.coefficient),
      effect: toReportNumber(row.effect),
    })),
    omittedRowCount: Math.max(0, ranked.length - shownTerms),
  };
}

/** Returns how each output is approximated. */
export function outputTable(fits: readonly DegreeFit[], outputNames: readonly string[]): TableBlock {
  return {
    type: 'table',
    title: 'R² by output',
    folded: true,
    columns: [
      { key: 'output', label: 'Output', kind: 'text' },
      ...fits.map(({ degree }) => ({
        key: `d${degree}`,
        label: `Degree ${degree}`,
        kind: 'number' as const,
      })),
    ],
    rows: outputNames.map((output, index) => ({
      output,
      ...Object.fromEntries(
        fits.map((fit) => [`d${fit.degree}`, toReportNumber(fit.byOutput[index] ?? NaN)]),
      ),
    })),
  };
}

const powers = ['', '', '²', '³', '⁴', '⁵'];

/** `x[0]² · x[3]`. */
function termName(exponents: readonly number[], names: readonly string[]): string {
  return exponents
    .flatMap((exponent, i) =>
      exponent === 0 ? [] : [`${names[i] ?? ''}${powers[exponent] ?? `^${exponent}`}`],
    )
    .join(' · ');
}
