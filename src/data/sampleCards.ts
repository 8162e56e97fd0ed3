import { UserError } from '../base/errors.js';
import { toFloat64 } from '../onnx/tensorValue.js';
import type { SampleCard } from '../protocol/units.js';
import type { InputPlan } from './inputPlan.js';
import { fromObject } from './inputPlan.js';
import type { PreparedData } from './openDataset.js';
import { samplePicture } from './samplePicture.js';
import type { RawSample, RawValue, SampleSource } from './sampleSource.js';
import { storedSamples } from './storedSamples.js';

/** How samples are shown. */
export interface CardOptions {
  /** Longer side of pictures, in pixels, at most; smaller pictures stay as they are. */
  readonly pictureSize: number;
  /** Adds the ids of the tokens that a text is of. */
  readonly hasTokenIds?: boolean;
  readonly signal?: AbortSignal;
}

/** A card with the ids of the tokens that its text is of, where it is one. */
export interface ReadCard extends SampleCard {
  readonly tokenIds?: readonly number[];
}

/**
 * Returns samples as a person recognises them, in the order of `indices`: a picture where an input is one, else the first
 * values by name.
 *
 * @throws UserError `sample-out-of-range`, and what reading a sample throws, naming it.
 */
export async function sampleCards(
  data: PreparedData,
  indices: readonly number[],
  options: CardOptions,
): Promise<ReadCard[]> {
  const { sampleCount, path } = data.dataset;
  const outside = indices.find((index) => !Number.isInteger(index) || index < 0 || index >= sampleCount);
  if (outside !== undefined) throw outOfRange(path, outside, sampleCount);
  const cards = new Map<number, ReadCard>();
  for await (const sample of storedSamples(data.source, indices, options.signal)) {
    cards.set(sample.index, await cardOf(sample, data, options));
  }
  return indices.map((index) => {
    const card = cards.get(index);
    // The readers throw `data-changed` when a file ends early; a folder may lose files without their noticing.
    if (card === undefined) throw outOfRange(path, index, sampleCount);
    return card;
  });
}

async function cardOf(
  sample: RawSample,
  { source, plans, dataset }: PreparedData,
  options: CardOptions,
): Promise<ReadCard> {
  const { index, id, label } = sample;
  const tokens = options.hasTokenIds === true ? dataset.tokens : undefined;
  const ids = tokens === undefined ? undefined : sample.values.get(tokens.input);
  const labelName = label === undefined ? undefined : source.labelNames?.[label];
  return {
    index,
    id,
    ...(label === undefined ? {} : { label }),
    ...(labelName === undefined ? {} : { labelName }),
    ...(await contentOf(sample, { source, plans, dataset }, options.pictureSize)),
    ...(ids?.kind === 'array' ? { tokenIds: Array.from(ids.data, Number) } : {}),
  };
}

/** What cards are made from. */
type CardData = Pick<PreparedData, 'source' | 'plans' | 'dataset'>;

async function contentOf(
  { id, values }: RawSample,
  { source, plans, dataset }: CardData,
  maxSide: number,
): Promise<Pick<SampleCard, 'picture' | 'text'>> {
  for (const plan of plans) {
    const raw = values.get(plan.target.name);
    const field = source.fields.get(plan.target.name);
    if (raw === undefined || field === undefined) continue;
    const picture = await samplePicture({ raw, plan, field }, { maxSide, alt: id });
    if (picture !== undefined) return { picture };
  }
  return { text: textOf(values, { source, plans, dataset }) };
}

/** Values of an input that are spelled out, and inputs that are. */
const shownValueCount = 8;
const shownInputCount = 4;

function textOf(values: RawSample['values'], { source, plans, dataset }: CardData): string {
  const spoken = plans.flatMap((plan) => {
    const raw = values.get(plan.target.name);
    if (raw?.kind !== 'array' || plan.isConstant || isDerived(plan, source)) return [];
    return [inputText(plan, raw, { source, dataset })];
  });
  const left = spoken.length - shownInputCount;
  return [...spoken.slice(0, shownInputCount), ...(left > 0 ? [`and ${left} more inputs`] : [])].join('; ');
}

function isDerived({ target }: InputPlan, { fields }: SampleSource): boolean {
  return fields.get(target.name)?.isDerived === true;
}

type StoredArray = Extract<RawValue, { kind: 'array' }>;

/** `input_ids: 101, 2023, 2003, … (128 values)`, or with the columns' names: `age 42, income 3000`. */
function inputText(
  plan: InputPlan,
  stored: StoredArray,
  { source, dataset }: Pick<CardData, 'source' | 'dataset'>,
): string {
  const { length } = stored.data;
  // Ids of a table or an .npz are those of a text too, where a tokenizer is named.
  const { tokens } = dataset;
  if (tokens?.input === plan.target.name && !Array.isArray(stored.data)) {
    return quoted(tokens.tokenizer.decode(Array.from(stored.data, Number)));
  }
  const columns = columnNames(plan, source, length);
  const texts = firstTexts(stored).map((text, place) =>
    columns === undefined ? text : `${columns[place] ?? ''} ${text}`,
  );
  const isCut = length > shownValueCount;
  const joined = texts.join(', ') + (isCut ? `, … (${length.toLocaleString('en')} values)` : '');
  return columns === undefined ? `${plan.target.name}: ${joined}` : joined;
}

function firstTexts({ dtype, dims, data }: StoredArray): string[] {
  if (Array.isArray(data)) return data.slice(0, shownValueCount).map(quoted);
  const first = data.subarray(0, shownValueCount);
  if (first instanceof BigInt64Array || first instanceof BigUint64Array) return Array.from(first, String);
  return Array.from(toFloat64({ dtype, dims, data: first }), numberText);
}

/** Names of the columns that an input is made of, when the inspect file lists them. */
function columnNames(plan: InputPlan, source: SampleSource, count: number): readonly string[] | undefined {
  const from = plan.spec.from ?? source.resolved.from.get(plan.target.name);
  const { columns } = fromObject(from);
  const names = columns?.filter((column) => typeof column === 'string');
  return names?.length === count ? names : undefined;
}

/** Characters of a text that are shown. */
const shownTextLength = 60;

function quoted(text: string): string {
  return JSON.stringify(text.length > shownTextLength ? `${text.slice(0, shownTextLength)}…` : text);
}

function numberText(value: number): string {
  return Number.isInteger(value) ? value.toString() : String(Number(value.toPrecision(3)));
}

function outOfRange(path: string, index: number, sampleCount: number): UserError {
  return new UserError(
    'sample-out-of-range',
    `${path} has no sample ${index}: it holds ${sampleCount.toLocaleString('en')} (0 to ${sampleCount - 1}). The data may have changed since it was measured: run the analysis again.`,
    { detail: { path, index, sampleCount } },
  );
}
