import { UserError } from '../../../base/errors.js';
import type { Dataset } from '../../../data/dataset.js';
import { argmax } from '../../../engine/numeric/vectors.js';
import { formatAddress } from '../../../onnx/addresses.js';
import { elementCountOf, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { readRows, type Rows } from '../attribution/rows.js';
import { readScores, scoredModel } from '../influence/scoredModel.js';
import { chooseLayer, featureLayers, featuresAt } from '../neighbours/layerFeatures.js';
import {
  type ConceptRows,
  type Expert,
  fitExperts,
  measureExperts,
  type MixtureFigures,
  refitExperts,
} from './mixture.js';
import { type DistillationSettings, distilledRowCount } from './settings.js';

/** What rules are about. */
export interface Concept {
  /** As rules print it: `fc1[3]`, or the name of a column. */
  readonly name: string;
  /** Address of the unit; undefined for a column. */
  readonly address: string | undefined;
}

/** The shifted data, before and after the experts were fitted again. */
export interface ShiftStudy {
  readonly data: Dataset;
  readonly rowCount: number;
  /** Answers that the model was sure of. */
  readonly pseudoLabelCount: number;
  readonly before: MixtureFigures;
  readonly after: MixtureFigures;
  readonly experts: readonly Expert[];
  /** Right answers of the mixture on rows that were not fitted; undefined where the data have no labels. */
  readonly accuracy: { readonly before: number; readonly after: number } | undefined;
}

/** What was found. */
export interface DistillationStudy {
  readonly rows: Rows;
  readonly where: string;
  readonly concepts: readonly Concept[];
  readonly classCount: number;
  readonly experts: readonly Expert[];
  readonly fittedCount: number;
  readonly heldOut: MixtureFigures;
  /** On held-out rows, where the data have labels. */
  readonly accuracy: { readonly mixture: number; readonly model: number } | undefined;
  readonly shift: ShiftStudy | undefined;
}

/** Rows that rules can be fitted to and tried on, at least. */
const leastRowCount = 4;

/** Fits the experts, measures them on held-out rows, and on shifted data where there are some. */
export async function studyDistillation(
  context: AnalysisContext,
  settings: DistillationSettings,
): Promise<DistillationStudy> {
  const { data } = context;
  if (data === undefined) throw new Error('The analysis needs data, so a run without it does not begin.');
  const rows = await readRows(context, { defaultCount: distilledRowCount });
  if (rows.count < leastRowCount) throw tooFewRows(data, rows.count);
  context.progress({ fractionDone: 0.1, message: 'Reading concepts and answers' });
  const source = await readConcepts(context, { data, rows }, settings);
  const [fitted, held] = split(context, rows.count, settings.heldOut);
  context.progress({ fractionDone: 0.4, message: 'Fitting experts' });
  const experts = fitExperts(source, fitted, settings);
  const heldOut = measureExperts(experts, source, held);
  context.progress({ fractionDone: 0.7, message: 'Measuring on held-out rows' });
  const shift = settings.shifted === null ? undefined : await studyShift(context, { experts, settings });
  return {
    rows,
    where: source.where,
    concepts: source.named,
    classCount: source.classCount,
    experts,
    fittedCount: fitted.length,
    heldOut,
    accuracy: rows.labels === undefined ? undefined : accuracyOf(rows.labels, { source, held, heldOut }),
    shift,
  };
}

interface Source extends ConceptRows {
  readonly named: readonly Concept[];
  readonly where: string;
  /** Probability of the answer, by row. */
  readonly confidence: Float64Array;
}

async function readConcepts(
  context: AnalysisContext,
  { data, rows }: { readonly data: Dataset; readonly rows: Rows },
  settings: DistillationSettings,
): Promise<Source> {
  const scored = await scoredModel(context, rows, { loss: 'cross-entropy', output: null });
  if (scored.classCount < 2) {
    throw new UserError(
      'no-scores',
      'The model has no output with a score for each class, so there are no answers to distil.',
    );
  }
  const scores = await readScores(context, scored, rows);
  const probabilities = scores.map(softmax);
  const answers = Int32Array.from(scores, argmax);
  const found =
    settings.concepts === 'units' ? await unitConcepts(context, rows, settings) : columnConcepts(data, rows);
  return {
    ...found,
    answers,
    classCount: scored.classCount,
    confidence: Float64Array.from(probabilities, (row) => Math.max(...row)),
  };
}

type Named = Pick<Source, 'concepts' | 'named' | 'where'>;

async function unitConcepts(
  context: AnalysisContext,
  rows: Rows,
  { layer: wanted }: DistillationSettings,
): Promise<Named> {
  const layer = chooseLayer(featureLayers(context.model), wanted);
  const concepts = await featuresAt(context, rows, layer);
  if (concepts === undefined) {
    throw new UserError(
      'rows-not-first',
      `The values of layer ${layer.name} cannot be told apart by row. Set layer to another one.`,
      { detail: { layer: layer.name } },
    );
  }
  const named = Array.from(concepts[0] ?? [], (_, unit) => {
    const address = formatAddress({ layer: layer.name, unit });
    return { name: address, address };
  });
  return { concepts, named, where: `the ${String(named.length)} units of ${layer.name}` };
}

function columnConcepts({ columnNames = {}, path }: Dataset, { feeds, count }: Rows): Named {
  const parts = Object.entries(columnNames).flatMap(([input, names]) => {
    const value = feeds[input];
    if (value === undefined || Array.isArray(value.data)) return [];
    return elementCountOf(value.dims.slice(1)) === names.length ? [{ names, values: toFloat64(value) }] : [];
  });
  if (parts.length === 0) {
    throw new UserError(
      'columns-missing',
      `${path} names no columns that feed an input, so there are no concepts. Set concepts=units, or give a table with a header.`,
      { detail: { path } },
    );
  }
  const concepts = Array.from({ length: count }, (_, row) =>
    Float64Array.from(
      parts.flatMap(({ names, values }) => [
        ...values.subarray(row * names.length, (row + 1) * names.length),
      ]),
    ),
  );
  const named = parts.flatMap(({ names }) => names.map((name) => ({ name, address: undefined })));
  return { concepts, named, where: `the ${String(named.length)} columns of the data` };
}

function softmax(scores: Float64Array): Float64Array {
  const largest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** Rows to fit and rows held out, both in the order of the data; at least one each. */
function split(
  { random }: AnalysisContext,
  count: number,
  share: number,
): readonly [fitted: number[], held: number[]] {
  const order = [...random.permutation(count)];
  const heldCount = Math.min(count - 1, Math.max(1, Math.round(share * count)));
  const inOrder = (part: readonly number[]): number[] => [...part].sort((a, b) => a - b);
  return [inOrder(order.slice(heldCount)), inOrder(order.slice(0, heldCount))];
}

function accuracyOf(
  labels: Int32Array,
  {
    source,
    held,
    heldOut,
  }: { readonly source: Source; readonly held: readonly number[]; readonly heldOut: MixtureFigures },
): { readonly mixture: number; readonly model: number } {
  return {
    mixture: held.filter((row, at) => heldOut.routed[at]?.class === labels[row]).length / held.length,
    model: held.filter((row) => source.answers[row] === labels[row]).length / held.length,
  };
}

async function studyShift(
  context: AnalysisContext,
  { experts, settings }: { readonly experts: readonly Expert[]; readonly settings: DistillationSettings },
): Promise<ShiftStudy> {
  const data = await context.openData(settings.shifted ?? '');
  const rows = await readRows({ ...context, data, limit: undefined }, { defaultCount: distilledRowCount });
  if (rows.count < leastRowCount) throw tooFewRows(data, rows.count);
  const source = await readConcepts(context, { data, rows }, settings);
  const [fitted, held] = split(context, rows.count, settings.heldOut);
  const sure = fitted.filter((row) => (source.confidence[row] ?? 0) >= settings.confidence);
  const refitted = refitExperts(experts, source, sure);
  const before = measureExperts(experts, source, held);
  const after = measureExperts(refitted, source, held);
  const { labels } = rows;
  const rightOf = (figures: MixtureFigures): number =>
    held.filter((row, at) => figures.routed[at]?.class === labels?.[row]).length / held.length;
  return {
    data,
    rowCount: rows.count,
    pseudoLabelCount: sure.length,
    before,
    after,
    experts: refitted,
    accuracy: labels === undefined ? undefined : { before: rightOf(before), after: rightOf(after) },
  };
}

function tooFewRows({ path }: Dataset, count: number): UserError {
  return new UserError(
    'too-few-rows',
    `${path} gives ${String(count)} rows, and rules need at least ${String(leastRowCount)} to be fitted and tried on. Give more data, or raise the limit.`,
    { detail: { path, count } },
  );
}
