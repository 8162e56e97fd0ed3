import type { Dataset } from '../../../data/dataset.js';
import type { Tokenizer } from '../../../data/text/tokenizer.js';
import { formatAddress, withUnit } from '../../../onnx/addresses.js';
import type { LayerTable } from '../../../onnx/layers/layer.js';
import type { Block, TableBlock } from '../../../protocol/blocks.js';
import { formatNumber } from '../../../protocol/formatReport.js';
import type { Evidence, Finding } from '../../../protocol/report.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { ReportDraft, ResultArray } from '../../analysis.js';
import { namedTokens } from '../../shared/language/namedTokens.js';
import type { UnitVocabulary } from '../../shared/language/unitVocabulary.js';
import type { ChosenUnit } from './chosenUnit.js';
import type { Likeness } from './likeness.js';
import type { ReadUnit, WhatReads } from './readUnits.js';
import type { Removal } from './removal.js';

/** Everything known of a neuron's part; a reason stands where something could not be had. */
export interface Role {
  readonly chosen: ChosenUnit;
  readonly reads: WhatReads;
  readonly cosines: Float64Array | string;
  readonly likeness: Likeness | string;
  readonly removal: Removal | string;
  readonly vocabulary: UnitVocabulary | undefined;
  /** Names the tokens of the vocabulary. */
  readonly tokenizer: Tokenizer | undefined;
  readonly data: Dataset | undefined;
  readonly table: LayerTable;
}

/** Rows of a table of targets, and of similar units. */
const namedCount = 20;

/** Tokens named on each side. */
const tokenCount = 10;

/** Cosines and correlations above which a unit does the same as another one. */
const duplicateBar = 0.98;

/** Returns the report. */
export function draftOf(role: Role): ReportDraft {
  const { chosen, reads, cosines, likeness, removal } = role;
  const like = mostAlike(role);
  const scores = typeof removal === 'string' ? undefined : removal;
  const metrics = {
    ...(scores === undefined
      ? {}
      : { intactScore: scores.intact, zeroedScore: scores.zeroed, meanScore: scores.atMean }),
    readerCount: reads.readers.length,
    ...(typeof cosines === 'string' ? {} : { largestCosine: like.cosine?.value ?? NaN }),
    ...(typeof likeness === 'string' ? {} : { largestCorrelation: like.correlation?.value ?? NaN }),
  };
  const scored = scores === undefined ? missing(removal) : sampled(scores.sampleCount, role.data);
  return {
    title: `Part of ${chosen.address}`,
    summary: summaryOf(role),
    metrics,
    evidence: {
      ...{ intactScore: scored, zeroedScore: scored, meanScore: scored },
      readerCount: { kind: 'measured' },
      largestCosine: typeof cosines === 'string' ? missing(cosines) : { kind: 'measured' },
      largestCorrelation: likenessEvidence(role),
    },
    findings: findingsOf(role, like),
    arrays: arraysOf(role),
    blocks: blocksOf(role),
    warnings: [],
  };
}

function missing(reason: unknown): Evidence {
  return { kind: 'not-captured', how: String(reason) };
}

function sampled(sampleCount: number, data: Dataset | undefined): Evidence {
  if (data === undefined || sampleCount >= data.sampleCount) return { kind: 'measured', n: sampleCount };
  const all = formatNumber(data.sampleCount, 'count');
  return {
    kind: 'sampled',
    n: sampleCount,
    how: `the first ${formatNumber(sampleCount, 'count')} of ${all} samples`,
  };
}

function likenessEvidence({ likeness, data }: Role): Evidence {
  return typeof likeness === 'string' ? missing(likeness) : sampled(likeness.sampleCount, data);
}

interface Alike {
  readonly address: string;
  readonly value: number;
}

function mostAlike(role: Role): {
  readonly cosine: Alike | undefined;
  readonly correlation: Alike | undefined;
} {
  const { cosines, likeness } = role;
  return {
    cosine: typeof cosines === 'string' ? undefined : largest(role, cosines),
    correlation: typeof likeness === 'string' ? undefined : largest(role, likeness.correlations),
  };
}

function largest(role: Role, values: Float64Array): Alike | undefined {
  const [unit] = ranked(values, (value) => value).filter((other) => other !== role.chosen.unit);
  return unit === undefined ? undefined : { address: siblingOf(role, unit), value: values[unit] ?? NaN };
}

/** Units in order of a figure, those without one left out. */
function ranked(values: Float64Array, figure: (value: number) => number): number[] {
  return [...values.keys()]
    .filter((unit) => Number.isFinite(values[unit]))
    .sort((a, b) => figure(values[b] ?? 0) - figure(values[a] ?? 0) || a - b);
}

function siblingOf({ chosen }: Role, unit: number): string {
  return withUnit(chosen.address, unit);
}

function summaryOf(role: Role): string {
  const { chosen, reads, removal } = role;
  if (typeof removal !== 'string' && Number.isFinite(removal.zeroed)) {
    const mean = Number.isFinite(removal.atMean)
      ? `, at its mean ${changeText(removal, removal.atMean).short}`
      : '';
    const { whole } = changeText(removal, removal.zeroed);
    return `Without ${chosen.measuredAt} (at 0) the ${removal.score} ${whole}${mean}; ${readText(reads)}.`;
  }
  return `${chosen.address}: ${readText(reads)}.`;
}

function readText({ readers, outputs }: WhatReads): string {
  const names = readers.map(({ layer }) => layer);
  const shown =
    names.length > 3
      ? `${names.slice(0, 3).join(', ')} and ${String(names.length - 3)} more`
      : names.join(', ');
  if (names.length > 0) return `it is read by ${shown}`;
  return outputs.length > 0
    ? `no layer reads it: it is an output of the model (${outputs.join(', ')})`
    : 'no layer has weights for it';
}

/** How the score without the unit differs from the intact one, after "the score" and after "at its mean". */
function changeText(removal: Removal, score: number): { readonly whole: string; readonly short: string } {
  const [before, after] = [scoreText(removal, removal.intact), scoreText(removal, score)];
  if (before !== after) return { whole: `goes from ${before} to ${after}`, short: `to ${after}` };
  if (score === removal.intact) return { whole: `stays at ${before}`, short: `it stays at ${before}` };
  // Three digits hide small effects.
  const format = removal.score === 'perplexity' ? 'number' : 'points';
  const difference = formatNumber(Math.abs(score - removal.intact), format);
  const moved = `${difference} ${score > removal.intact ? 'up' : 'down'}`;
  return { whole: `stays at ${before}, ${moved}`, short: moved };
}

function scoreText({ score }: Removal, value: number): string {
  return score === 'perplexity' ? formatNumber(value) : formatNumber(value, 'percent');
}

function findingsOf({ chosen }: Role, { cosine, correlation }: ReturnType<typeof mostAlike>): Finding[] {
  if (cosine === undefined || correlation === undefined) return [];
  const isSame = cosine.address === correlation.address;
  if (!isSame || cosine.value < duplicateBar || correlation.value < duplicateBar) return [];
  return [
    {
      severity: 'info',
      address: chosen.address,
      message: `${chosen.address} does the same as ${cosine.address}: their weights have a cosine of ${formatNumber(cosine.value)}, their activations a correlation of ${formatNumber(correlation.value)}.`,
      advice: 'Run redundant-neurons to merge neurons that do the same and see what the model keeps.',
    },
  ];
}

function arraysOf({ reads, cosines, likeness, data, ...role }: Role): Record<string, ResultArray> {
  const vector = (values: Float64Array, evidence: Evidence): ResultArray => ({
    value: { dtype: 'float64', dims: [values.length], data: values },
    evidence,
  });
  const measured: Evidence = { kind: 'measured' };
  const { vocabulary } = role;
  return {
    ...Object.fromEntries(
      reads.readers.map(({ layer, values }) => [`${layer}.weightsOut`, vector(values, measured)]),
    ),
    ...(typeof cosines === 'string' ? {} : { cosine: vector(cosines, measured) }),
    ...(typeof likeness === 'string'
      ? {}
      : { correlation: vector(likeness.correlations, sampled(likeness.sampleCount, data)) }),
    ...(vocabulary === undefined ? {} : { vocabularyEffect: vector(vocabulary.effects, measured) }),
  };
}

function blocksOf(role: Role): Block[] {
  const { removal, reads, vocabulary } = role;
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'intactScore', label: 'Untouched', ...formatOf(removal) },
        { metric: 'zeroedScore', label: 'Neuron at 0', ...formatOf(removal) },
        { metric: 'meanScore', label: 'Neuron at its mean', ...formatOf(removal) },
        { metric: 'readerCount', label: 'Layers that read it', format: 'count' },
        { metric: 'largestCosine', label: 'Most alike by weights' },
        { metric: 'largestCorrelation', label: 'Most alike by activations' },
      ],
    },
    ...reads.readers.slice(0, namedCount).map((reader) => targetTable(role, reader)),
    ...(reads.readers.length === 0
      ? [{ type: 'markdown', text: `${capital(readText(reads))}.` } as const]
      : []),
    ...(vocabulary === undefined ? [] : [tokenTable(vocabulary, role)]),
    similarTable(role),
    {
      type: 'markdown',
      title: 'How to read this',
      folded: true,
      text: howToRead(role),
    },
  ];
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

function formatOf(removal: Removal | string): { readonly format?: 'percent' } {
  return typeof removal === 'string' || removal.score === 'perplexity' ? {} : { format: 'percent' };
}

function targetTable({ chosen }: Role, { layer, through, values, weightsEach }: ReadUnit): TableBlock {
  const way = through.length === 0 ? '' : `, through ${through.join(', ')}`;
  const strongest = ranked(values, Math.abs).filter((unit) => values[unit] !== 0);
  return {
    type: 'table',
    title: `Weights of ${chosen.address} in ${layer}${way}`,
    columns: [
      { key: 'address', label: 'To', kind: 'address' },
      {
        key: 'weight',
        label: weightsEach === 1 ? 'Weight' : 'Norm, signed',
        kind: 'number',
        ...(weightsEach === 1
          ? {}
          : {
              description: `Length of its ${String(weightsEach)} weights for the neuron, with the sign of their sum.`,
            }),
      },
    ],
    rows: strongest.slice(0, namedCount).map((unit) => ({
      address: formatAddress({ layer, unit }),
      weight: toReportNumber(values[unit] ?? NaN),
    })),
  };
}

function tokenTable({ layer, isHead, effects }: UnitVocabulary, { tokenizer }: Role): TableBlock {
  const { raised, lowered } = namedTokens(effects, tokenCount, tokenizer);
  return {
    type: 'table',
    title: isHead
      ? `Tokens that it raises and lowers, in ${layer}`
      : `Tokens that what it writes by ${layer} raises and lowers`,
    columns: [
      { key: 'text', label: 'Token', kind: 'text' },
      { key: 'id', label: 'Id', kind: 'count' },
      {
        key: 'effect',
        label: 'Effect on its score',
        kind: 'number',
        description: 'What 1 more of its value adds, without what the layers in between make of it.',
      },
    ],
    rows: [...raised, ...lowered.toReversed()].map((token) => ({ ...token })),
  };
}

function similarTable(role: Role): Block {
  const { cosines, likeness } = role;
  const correlations = typeof likeness === 'string' ? undefined : likeness.correlations;
  const byWeights = typeof cosines === 'string' ? undefined : cosines;
  if (correlations === undefined && byWeights === undefined) {
    return { type: 'markdown', title: 'Similar units', text: `None are known: ${String(cosines)}.` };
  }
  const figures: readonly SimilarFigure[] = [
    ...(byWeights === undefined ? [] : [{ ...cosineColumn, values: byWeights }]),
    ...(correlations === undefined ? [] : [{ ...correlationColumn, values: correlations }]),
  ];
  return {
    type: 'table',
    title: 'Similar units of its layer',
    columns: [
      { key: 'address', label: 'Neuron', kind: 'address' },
      ...figures.map(({ key, label, description }) => ({ key, label, description, kind: 'number' }) as const),
    ],
    rows: mostSimilar(role, figures).map((unit) => ({
      address: siblingOf(role, unit),
      ...Object.fromEntries(figures.map(({ key, values }) => [key, finiteAt(values, unit)])),
    })),
  };
}

/** A way of being alike. */
interface SimilarFigure {
  readonly key: string;
  readonly label: string;
  readonly description: string;
  /** For each unit of the layer. */
  readonly values: Float64Array;
}

const cosineColumn = {
  key: 'cosine',
  label: 'Cosine of weights',
  description: 'Of the weights that lead in, without biases.',
};
const correlationColumn = {
  key: 'correlation',
  label: 'Correlation of activations',
  description: 'Pearson’s, over samples and positions.',
};

/** Units that are alike in any way, the most alike first. */
function mostSimilar({ chosen }: Role, figures: readonly SimilarFigure[]): number[] {
  const units = figures.flatMap(({ values }) =>
    ranked(values, (value) => value)
      .filter((unit) => unit !== chosen.unit)
      .slice(0, namedCount),
  );
  const score = (unit: number): number =>
    Math.max(...figures.map(({ values }) => finiteAt(values, unit)).map((value) => Number(value ?? -1)));
  return [...new Set(units)].sort((a, b) => score(b) - score(a) || a - b).slice(0, namedCount);
}

function finiteAt(values: Float64Array, unit: number): ReturnType<typeof toReportNumber> | null {
  const value = values[unit] ?? NaN;
  return Number.isFinite(value) ? toReportNumber(value) : null;
}

function howToRead({ chosen, reads, removal, cosines, likeness, vocabulary }: Role): string {
  const where =
    chosen.measuredAt === chosen.address
      ? ''
      : ` The neuron is changed and compared at ${chosen.measuredAt}, what its activation makes of it, because that is what the layers behind it read.`;
  const lacks = [
    ...(typeof removal === 'string' ? [`The score was not measured: ${removal}.`] : []),
    ...(typeof likeness === 'string' ? [`Activations were not compared: ${likeness}.`] : []),
    ...(typeof cosines === 'string' ? [`Weights were not compared: ${cosines.replace(/\.$/, '')}.`] : []),
    ...(vocabulary?.normWithoutGain === undefined
      ? []
      : [
          `Effects on tokens are without the gain of ${vocabulary.normWithoutGain}, which is not stored as it is.`,
        ]),
    ...(reads.ends.length === 0
      ? []
      : [`It is also taken by ${reads.ends.join(', ')}, where it has no weights of its own.`]),
  ];
  return [
    `Weights out are as stored: what lies between scales them. A score that stays when one neuron is at 0 may mean that it does nothing, or that others do the same.${where}`,
    ...lacks,
  ].join('\n\n');
}
