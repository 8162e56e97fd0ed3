import type { WrittenToken } from '../../../engine/generation/generate.js';
import type { Block, ChartBlock, TableBlock, TokensBlock } from '../../../protocol/blocks.js';
import { formatNumber } from '../../../protocol/formatReport.js';
import type { Evidence } from '../../../protocol/report.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { ReportDraft, ResultArray } from '../../analysis.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';
import type { Generation } from './openGeneration.js';

/** Returns the report of a prompt and the tokens written after it so far. */
export function draftOf(generation: Generation, written: readonly WrittenToken[]): ReportDraft {
  const { promptRead, prompt } = generation;
  const perplexity = (tokens: readonly WrittenToken[]): number =>
    Math.exp(-mean(tokens.map(({ logProbability }) => logProbability)));
  const evidence = (tokens: readonly WrittenToken[]): Evidence =>
    tokens.length === 0
      ? { kind: 'not-captured', how: 'there is no token that another one stands before' }
      : { kind: 'measured', how: `${String(tokens.length)} ${tokens.length === 1 ? 'token' : 'tokens'}` };
  const promptMetric = promptRead.length === 0 ? {} : { promptPerplexity: perplexity(promptRead) };
  return {
    title: 'Generated text',
    summary: summaryOf(generation, written, perplexity(written)),
    metrics: {
      writtenCount: written.length,
      promptCount: prompt.length,
      writtenPerplexity: perplexity(written),
      ...promptMetric,
      meanEntropy: mean(written.map(({ entropy }) => entropy)),
    },
    evidence: {
      writtenCount: { kind: 'measured' },
      promptCount: { kind: 'measured' },
      writtenPerplexity: evidence(written),
      promptPerplexity: evidence(promptRead),
      meanEntropy: evidence(written),
    },
    findings: [],
    arrays: arraysOf(generation, written),
    blocks: blocksOf(generation, written),
    warnings: warningsOf(generation, written),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The text of ids; ids themselves without a tokenizer. */
function textOf({ tokenizer }: Generation, ids: readonly number[]): string {
  return tokenizer === undefined ? ids.map((id) => `#${String(id)}`).join(' ') : tokenizer.decode(ids);
}

function nameOf({ tokenizer }: Generation, id: number): string {
  return tokenizer === undefined ? `#${String(id)} ` : tokenizer.textOf(id);
}

/** Characters of a text that a summary quotes. */
const quotedLength = 80;

function quoted(text: string): string {
  const line = text.replaceAll(/\s+/gu, ' ').trim();
  return line.length > quotedLength ? `${line.slice(0, quotedLength)} …` : line;
}

function summaryOf(generation: Generation, written: readonly WrittenToken[], perplexity: number): string {
  const { prompt, settings } = generation;
  const before = quoted(textOf(generation, prompt));
  const after = quoted(
    textOf(
      generation,
      written.map(({ id }) => id),
    ),
  );
  const how =
    settings.temperature === 0
      ? 'the likeliest tokens'
      : `drawn at temperature ${String(settings.temperature)}`;
  const start = before === '' ? 'From nothing' : `After “${before}”`;
  return `${start} comes “${after}” (${String(written.length)} tokens, ${how}; perplexity ${formatNumber(perplexity)} by its own probabilities).`;
}

function blocksOf(generation: Generation, written: readonly WrittenToken[]): Block[] {
  const { promptRead } = generation;
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'writtenCount', label: 'Tokens written', format: 'count' },
        { metric: 'writtenPerplexity', label: 'Perplexity of what was written' },
        { metric: 'promptPerplexity', label: 'Perplexity of the prompt' },
        { metric: 'meanEntropy', label: 'Mean entropy', unit: 'nats' },
      ],
    },
    tokensBlock(generation, [...promptRead, ...written]),
    surpriseChart(generation, written),
    tokenTable(generation, written),
    {
      type: 'markdown',
      title: 'How to read this',
      folded: true,
      text: 'The surprise of a token is −log p in nats: 0 where it was certain, log V where it was as likely as any. The entropy is the surprise that was to be expected there: a surprise far above it is a token that the model itself thought odd. Probabilities are those of the model, before temperature and cuts.',
    },
  ];
}

function tokensBlock(generation: Generation, read: readonly WrittenToken[]): TokensBlock {
  const { prompt, promptRead, task } = generation;
  const unread = prompt.slice(0, prompt.length - promptRead.length);
  const size = task.vocabularySize;
  const largest = Math.max(1, ...read.map(surpriseOf).filter(Number.isFinite));
  return {
    type: 'tokens',
    title: 'The text, each token by its surprise',
    alt: 'Tokens of the prompt and of what was written, each coloured by its surprise in nats.',
    tokens: [
      ...unread.map((id) => ({
        text: nameOf(generation, id),
        value: 0,
        note: 'nothing stands before it that it could be told from',
      })),
      ...read.map((token) => ({
        text: nameOf(generation, token.id),
        value: toReportNumber(surpriseOf(token)),
        note: noteOf(generation, token),
      })),
    ],
    scale: 'sequential',
    limit: toReportNumber(size === undefined ? largest : Math.log(size)),
  };
}

function surpriseOf({ logProbability }: WrittenToken): number {
  return -logProbability;
}

function noteOf(generation: Generation, token: WrittenToken): string {
  const rank = token.likelierCount === 0 ? 'the likeliest' : `${String(token.likelierCount)} likelier`;
  const own = `p ${percent(token.logProbability)}, surprise ${formatNumber(surpriseOf(token))} nats, ${rank}`;
  return `${own}; ${alternativesOf(generation, token)}`;
}

function alternativesOf(generation: Generation, { alternatives }: WrittenToken): string {
  return alternatives
    .map(({ id, logProbability }) => `“${nameOf(generation, id).trim()}” ${percent(logProbability)}`)
    .join(', ');
}

function percent(logProbability: number): string {
  return formatNumber(Math.exp(logProbability), 'percent');
}

function surpriseChart(generation: Generation, written: readonly WrittenToken[]): ChartBlock {
  const first = generation.prompt.length;
  const rows = written.map((token, at) => ({
    place: first + at,
    token: nameOf(generation, token.id),
    surprise: toReportNumber(surpriseOf(token)),
    entropy: toReportNumber(token.entropy),
  }));
  const x = { field: 'place', type: 'quantitative', title: 'Token', scale: { nice: false, zero: false } };
  const y = (field: string): object => ({ field, type: 'quantitative', title: 'Nats' });
  return {
    type: 'chart',
    title: 'Surprise and entropy along the text',
    alt: 'Bars of the surprise of each token that was written, and a line of the entropy of what might have come.',
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows },
      layer: [
        { mark: { type: 'bar', tooltip: true, opacity: 0.6 }, encoding: { x, y: y('surprise') } },
        { mark: { type: 'line', strokeWidth: 1.5 }, encoding: { x, y: y('entropy') } },
      ],
    },
    table: {
      columns: [
        { key: 'place', label: 'Token', kind: 'count' },
        { key: 'token', label: 'Text', kind: 'text' },
        { key: 'surprise', label: 'Surprise', kind: 'number', unit: 'nats' },
        { key: 'entropy', label: 'Entropy', kind: 'number', unit: 'nats' },
      ],
      rows,
    },
  };
}

function tokenTable(generation: Generation, written: readonly WrittenToken[]): TableBlock {
  return {
    type: 'table',
    title: 'What was written, and what might have been',
    columns: [
      { key: 'place', label: 'Token', kind: 'count' },
      { key: 'text', label: 'Text', kind: 'text' },
      { key: 'id', label: 'Id', kind: 'count' },
      { key: 'share', label: 'Probability', kind: 'bar' },
      { key: 'likelier', label: 'Likelier', kind: 'count', description: 'Tokens that were likelier there.' },
      { key: 'alternatives', label: 'Likeliest', kind: 'text' },
    ],
    rows: written.map((token, at) => ({
      place: generation.prompt.length + at,
      text: nameOf(generation, token.id),
      id: token.id,
      share: toReportNumber(Math.exp(token.logProbability)),
      likelier: token.likelierCount,
      alternatives: alternativesOf(generation, token),
    })),
  };
}

function arraysOf({ prompt }: Generation, written: readonly WrittenToken[]): Record<string, ResultArray> {
  const evidence: Evidence = { kind: 'measured' };
  const ids = [...prompt, ...written.map(({ id }) => id)];
  const count = written[0]?.alternatives.length ?? 0;
  const vector = (of: (token: WrittenToken) => number): ResultArray => ({
    value: { dtype: 'float64', dims: [written.length], data: Float64Array.from(written, of) },
    evidence,
  });
  const others = written.flatMap(({ alternatives }) => alternatives);
  return {
    ids: {
      value: { dtype: 'int64', dims: [1, ids.length], data: BigInt64Array.from(ids, BigInt) },
      evidence,
    },
    logProbability: vector(({ logProbability }) => logProbability),
    entropy: vector(({ entropy }) => entropy),
    alternatives: {
      value: { dtype: 'int32', dims: [written.length, count], data: Int32Array.from(others, ({ id }) => id) },
      evidence,
    },
    alternativeLogProbability: {
      value: {
        dtype: 'float64',
        dims: [written.length, count],
        data: Float64Array.from(others, ({ logProbability }) => logProbability),
      },
      evidence,
    },
  };
}

function warningsOf(generation: Generation, written: readonly WrittenToken[]): string[] {
  const { contextLength, prompt, settings } = generation;
  const length = prompt.length + written.length;
  if (contextLength === undefined || length <= contextLength) return [];
  const why =
    settings.context === null ? 'its table of positions is no longer' : 'as the setting "context" says';
  return [
    `The model sees ${formatNumber(contextLength, 'count')} tokens (${why}): of ${formatNumber(length, 'count')}, older ones were left out as the text grew.`,
  ];
}
