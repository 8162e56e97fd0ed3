import { float32Tensor } from '../../onnx/tensorValue.js';
import type { Block } from '../../protocol/blocks.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import type { SettingsSchema } from '../../protocol/settings.js';
import { defineAnalysis, type ReportDraft, type ResultArray } from '../analysis.js';
import {
  frequencyChart,
  neighbourTable,
  spectrumChart,
  type StudiedTable,
  tablesTable,
} from './embeddings/blocks.js';
import { rowNorms, spectrumOf } from './embeddings/spectrum.js';
import { embeddingTables } from './embeddings/tables.js';
import { measureUsage } from './embeddings/usage.js';

const settings = {
  rows: {
    kind: 'text',
    format: 'integers',
    title: 'Rows',
    description: 'Rows whose nearest rows are listed, as in 3,17; default those read most, or the longest.',
    default: null,
  },
  neighbours: {
    kind: 'integer',
    title: 'Neighbours',
    description: 'Nearest rows listed of each.',
    default: 5,
    minimum: 1,
    maximum: 100,
  },
} as const satisfies SettingsSchema;

/** A table that uses less than this share of its width has collapsed. */
const collapsedShare = 0.25;

/** Passes that reading a sample and counting its numbers takes as long as. */
const passesPerCount = 0.1;

/**
 * Embedding tables: norms of rows, the directions a table uses (singular values, effective rank), nearest rows by cosine,
 * and with data how often each row is read, against its norm.
 *
 * Effective rank is exp(−Σ p ln p), p = σ / Σσ. Low against the width: the table has collapsed to few directions, so that
 * a narrower one would do. Rows never read were never trained by such data. Caveat: singular values say how much a
 * direction holds, not what the layers behind make of it.
 *
 * Source: the survey's problem of dimensional collapse, "Feature Representation Learning for Click-through Rate Prediction: A
 * Review and New Perspectives"; effective rank by Roy & Vetterli (2007).
 */
export const embeddings = defineAnalysis({
  id: 'embeddings',
  question: 'prediction',
  title: 'Embeddings',
  asks: 'What do the embedding tables hold, how many directions do they use, and which rows are never read?',
  needs: { data: 'optional', labels: 'none', gradients: false },
  settings,
  metrics: {
    tableCount: { title: 'Tables', description: 'Embedding tables that were read, tied ones once.' },
    rowCount: { title: 'Rows', description: 'Rows of all tables.' },
    effectiveRank: {
      title: 'Effective rank',
      description: 'Of the largest table: exp of the entropy of its singular values.',
    },
    rankShare: {
      title: 'Share of the width',
      description: 'Effective rank against the width, the mean over tables.',
    },
    collapsedCount: {
      title: 'Collapsed tables',
      description: 'Tables whose effective rank is below a quarter of their width.',
    },
    unusedShare: {
      title: 'Rows never read',
      description: 'Share of the rows of all counted tables that no sample reads.',
    },
  },
  papers: [
    {
      id: 'ctrSurvey',
      title:
        'Feature Representation Learning for Click-through Rate Prediction: A Review and New Perspectives',
      line: 213,
    },
    {
      id: 'roy2007',
      title: 'The effective rank: A measure of effective dimensionality',
      url: 'https://ieeexplore.ieee.org/document/7098875/',
    },
  ],
  rows: [
    {
      line: 213,
      limits:
        'Tables wider than 512 get no spectrum. Rows are counted where an input of the model names them as they are; hashed or computed numbers are not counted.',
    },
  ],
  cost: (_settings, { sampleCount, limit }) => {
    const count = Math.min(sampleCount, limit ?? sampleCount);
    return { passCount: count * passesPerCount, readCount: count };
  },
  async run(context, { rows, neighbours }) {
    const tables = await embeddingTables(context.model);
    const norms = new Map(tables.map((table) => [table, rowNorms(table)]));
    const usage = await measureUsage(context, tables, norms);
    const studied = tables.map((table): StudiedTable => {
      return {
        table,
        norms: norms.get(table) ?? new Float64Array(),
        spectrum: spectrumOf(table),
        usage: usage.get(table),
      };
    });
    const asked = rows === null ? undefined : rows.split(',').map(Number);
    return draftOf(studied, { rows: asked, count: neighbours });
  },
});

interface Asked {
  readonly rows: readonly number[] | undefined;
  readonly count: number;
}

function draftOf(studied: readonly StudiedTable[], asked: Asked): ReportDraft {
  const counted = studied.flatMap(({ usage }) => usage ?? []);
  const [sampleCount] = counted.map((usage) => usage.sampleCount);
  const { metrics, evidence } = numbersOf(studied);
  return {
    title: 'Embeddings',
    summary: summaryOf(studied),
    ...(sampleCount === undefined ? {} : { usedCount: sampleCount }),
    metrics,
    evidence,
    findings: studied.flatMap(findingsOf),
    arrays: Object.assign({}, ...studied.map(arraysOf)) as Record<string, ResultArray>,
    blocks: [
      {
        type: 'metrics',
        items: [
          { metric: 'tableCount', label: 'Tables', format: 'count' },
          { metric: 'effectiveRank', label: 'Effective rank' },
          { metric: 'rankShare', label: 'Share of the width', format: 'percent' },
          { metric: 'unusedShare', label: 'Rows never read', format: 'percent' },
        ],
      },
      { type: 'findings' },
      tablesTable(studied),
      spectrumChart(studied),
      ...studied.flatMap(frequencyChart),
      ...studied.map((one) => neighbourTable(one, asked)),
      { type: 'citation', papers: ['ctrSurvey', 'roy2007'] },
    ] satisfies Block[],
    warnings: [],
  };
}

function numbersOf(studied: readonly StudiedTable[]): Pick<ReportDraft, 'metrics' | 'evidence'> {
  const measured: Evidence = { kind: 'measured' };
  const missing = (how: string): Evidence => ({ kind: 'not-captured', how });
  const largest = studied.toSorted((a, b) => b.table.elements.length - a.table.elements.length)[0];
  const shares = studied.flatMap(({ table, spectrum }) =>
    spectrum === undefined ? [] : spectrum.effectiveRank / table.width,
  );
  const counted = studied.flatMap(({ usage }) => usage ?? []);
  const metrics: Record<string, number> = {
    tableCount: studied.length,
    rowCount: studied.reduce((sum, { table }) => sum + table.rowCount, 0),
    collapsedCount: shares.filter((share) => share < collapsedShare).length,
  };
  const evidence: Record<string, Evidence> = {
    tableCount: measured,
    rowCount: measured,
    collapsedCount: measured,
  };
  evidence['effectiveRank'] = largest?.spectrum === undefined ? missing('wider than 512') : measured;
  if (largest?.spectrum !== undefined) metrics['effectiveRank'] = largest.spectrum.effectiveRank;
  evidence['rankShare'] = shares.length === 0 ? missing('wider than 512') : measured;
  if (shares.length > 0) metrics['rankShare'] = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const [first] = counted;
  evidence['unusedShare'] =
    first === undefined
      ? missing('no input names rows, or no data')
      : { kind: 'measured', n: first.sampleCount };
  const rows = counted.reduce((sum, { counts }) => sum + counts.length, 0);
  if (rows > 0) {
    metrics['unusedShare'] = counted.reduce((sum, { unusedCount }) => sum + unusedCount, 0) / rows;
  }
  return { metrics, evidence };
}

function summaryOf(studied: readonly StudiedTable[]): string {
  const [first] = studied.toSorted((a, b) => b.table.elements.length - a.table.elements.length);
  if (first === undefined) return 'No table was read.';
  const { table, spectrum, usage } = first;
  const isOne = studied.length === 1;
  const count = isOne ? 'The embedding table' : `${studied.length} embedding tables; the largest,`;
  const directions =
    spectrum === undefined
      ? 'is too wide for a spectrum'
      : `uses about ${spectrum.effectiveRank.toPrecision(3)} of its ${table.width} directions`;
  const reads =
    usage === undefined
      ? ''
      : `; ${usage.unusedCount.toLocaleString('en')} of its ${table.rowCount.toLocaleString('en')} rows are never read`;
  return `${count} ${table.name}${isOne ? '' : ','} ${directions}${reads}.`;
}

function findingsOf({ table, spectrum, usage }: StudiedTable): Finding[] {
  const findings: Finding[] = [];
  if (spectrum !== undefined && spectrum.effectiveRank < collapsedShare * table.width) {
    findings.push({
      severity: 'warning',
      address: table.name,
      message: `${table.name} uses about ${spectrum.effectiveRank.toPrecision(3)} of ${table.width} directions.`,
      advice:
        'A narrower table would hold as much; or look for what collapses it: a low-rank interaction, or weight decay.',
    });
  }
  if (usage !== undefined && usage.unusedCount > 0) {
    findings.push({
      severity: 'info',
      address: table.name,
      message: `${usage.unusedCount} of ${table.rowCount} rows of ${table.name} are never read by ${usage.sampleCount} samples.`,
      advice:
        'Where the data are those of training, these rows are as they were initialised: prune or share them.',
    });
  }
  return findings;
}

function arraysOf({ table, norms, spectrum, usage }: StudiedTable): Record<string, ResultArray> {
  const measured: Evidence = { kind: 'measured' };
  const array = (data: Float64Array, evidence = measured): ResultArray => {
    return { value: float32Tensor([...data], [data.length]), evidence };
  };
  return {
    [`${table.name}.norm`]: array(norms),
    ...(spectrum === undefined ? {} : { [`${table.name}.singularValues`]: array(spectrum.singularValues) }),
    ...(usage === undefined
      ? {}
      : { [`${table.name}.reads`]: array(usage.counts, { kind: 'measured', n: usage.sampleCount }) }),
  };
}
