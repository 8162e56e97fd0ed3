import { UserError } from '../../../base/errors.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { carriersOf } from './carriers.js';
import { chooseOutput, type ExplainedOutput } from './explained.js';
import { fieldsOf } from './fields.js';
import type { Gate } from './fieldPlan.js';
import { type ExplainableInput, explainableInputs } from './inputs.js';
import { withPlainAttention } from '../../shared/attention/plainAttention.js';
import { channelAxisOf } from '../../shared/layout.js';
import { methods } from './methods/methods.js';
import { baselinesOfPart } from './part.js';
import { type Places, placesOf, type UnitPlace } from './places.js';
import type { ExplainedTensor, Problem } from './problem.js';
import { withRawTreeScores } from './rawTrees.js';
import { readBaselines } from './readBaselines.js';
import { readValues } from './readValues.js';
import type { ExplanationFacts } from './report/draft.js';
import { parseRows, readRows, type Rows } from './rows.js';
import { rowTypes } from './rowTypes.js';
import { fullIndex, type Selection } from './selection.js';
import type { AttributionSettings } from './settings.js';
import { chooseTargets, parsePosition, type Targets } from './targets.js';

/** A problem ready to be solved, what the report says about it, and how to let go of its sessions. */
export interface Prepared {
  readonly problem: Problem;
  readonly facts: ExplanationFacts;
  /**
   * Returns the same problem for another method, or with other settings of one: what is explained, the rows and the
   * baselines stay, and so do open sessions.
   *
   * @throws UserError when the settings exclude each other, or their layer is none.
   */
  withMethod(settings: AttributionSettings): Promise<Problem>;
  close(): Promise<void>;
}

/** What is known before: rows that were read, an explained element of each that was chosen. */
export interface Known {
  readonly rows?: Rows;
  readonly selection?: Selection;
}

/**
 * Reads the rows and resolves what is explained, over what, and from which baselines.
 *
 * @throws UserError for settings that do not fit the model or each other.
 */
export async function prepare(
  given: AnalysisContext,
  settings: AttributionSettings,
  known: Known = {},
): Promise<Prepared> {
  refuseExcluding(settings);
  const { context, rows, types, output, locate } = await resolve(given, settings, known);
  const { model } = context;
  const wanted = explainableInputs(model, rows.feeds);
  const places = locate(settings);
  const { layer, neuron, through } = places;
  const values = await readValues(context, rows, valuesAt([output, ...wanted, layer, neuron, through]));
  const stepCount = stepCountOf(model, wanted, values);
  const chosen = select(settings, { rows, values, output, neuron, stepCount });
  const what = { ...chosen, selection: known.selection ?? chosen.selection };
  const fields = fieldsOf(context, { model, types, selection: what.selection }, rows);
  const carriers = carriersOf(model, types, { from: wanted[0]?.value ?? '', to: what.selection.value });
  const problem: Problem = {
    model,
    settings,
    columnNames: context.data?.columnNames ?? {},
    selection: what.selection,
    random: context.random,
    signal: context.signal,
    rows,
    ...(await tensorsOf({ model, settings, rows, wanted, places, values })),
    ...fields,
  };
  return {
    close: () => fields.close(),
    facts: { ...what, ...dataFacts(context), ...inputFacts(wanted, rows), carriers },
    problem,
    withMethod: async (of) => {
      refuseExcluding(of);
      const place = locate(of).layer;
      const ofLayer = place === undefined ? values : await readValues(context, rows, [place.value]);
      return { ...problem, settings: of, layer: explainedLayer(place, ofLayer) };
    },
  };
}

/** What does not depend on the method, but for the places that its settings name. */
interface Resolved {
  readonly context: AnalysisContext;
  readonly rows: Rows;
  readonly types: TypeTable;
  readonly output: ExplainedOutput;
  readonly locate: (settings: AttributionSettings) => Places;
}

async function resolve(
  given: AnalysisContext,
  settings: AttributionSettings,
  known: Known,
): Promise<Resolved> {
  const { context, skipped } = explainedContext(given, settings);
  const { model } = context;
  const rows = known.rows ?? (await readRows(context, { chosen: parseRows(settings.rows) }));
  const types = await rowTypes(context, rows);
  const chosen = chooseOutput(model, types, settings);
  const output = { ...chosen, skipped: chosen.skipped ?? skipped.get(chosen.value) };
  return {
    context,
    rows,
    types,
    output,
    locate: (of) => {
      const { weightsMaps = false, readsPooledMaps = false } = methods[of.method];
      const explainedValue = output.value;
      return placesOf(model, types, { settings: of, explainedValue, weightsMaps, readsPooledMaps });
    },
  };
}

/** With `explain=auto` trees give the sums of their leaves; fused attention is written out for methods that read it. */
function explainedContext(
  given: AnalysisContext,
  settings: AttributionSettings,
): { readonly context: AnalysisContext; readonly skipped: ReadonlyMap<string, string> } {
  const { readsAttention = false } = methods[settings.method];
  const context = readsAttention ? { ...given, model: withPlainAttention(given.model) } : given;
  if (settings.explain !== 'auto') return { context, skipped: new Map() };
  const { model, skipped } = withRawTreeScores(context.model);
  return { context: { ...context, model }, skipped };
}

function valuesAt(places: readonly ({ readonly value: string } | undefined)[]): string[] {
  return places.flatMap((place) => (place === undefined ? [] : [place.value]));
}

/** What the prediction is shared out over, and from where. */
async function tensorsOf({
  model,
  settings,
  rows,
  wanted,
  places: { layer, through },
  values,
}: {
  readonly model: Model;
  readonly settings: AttributionSettings;
  readonly rows: Rows;
  readonly wanted: readonly ExplainableInput[];
  readonly places: Places;
  readonly values: Values;
}): Promise<Pick<Problem, 'inputs' | 'layer' | 'gate' | 'baselines'>> {
  const inputs = wanted.map((input) =>
    explained(input, values, (dims) => channelAxisOf(model, input.value, dims)),
  );
  const baselines = await readBaselines(settings, inputs, rows.count);
  return {
    inputs,
    layer: explainedLayer(layer, values),
    gate: through === undefined ? undefined : gateOf(through, values),
    baselines: settings.part === null ? baselines : baselinesOfPart(baselines, inputs, settings.part),
  };
}

function explainedLayer(layer: Places['layer'], values: Values): ExplainedTensor | undefined {
  if (layer === undefined) return undefined;
  return explained(layer, values, (dims) => frontAxis(layer.unitAxis, dims.length + 1));
}

type Values = ReadonlyMap<string, TensorValue>;

function refuseExcluding(settings: AttributionSettings): void {
  if (settings.through !== null && settings.layer !== null) {
    throw new UserError(
      'settings-exclude',
      'layer and through exclude each other: through shares out over the input. Leave one of them out.',
    );
  }
}

function valueOf(values: Values, name: string): TensorValue {
  const value = values.get(name);
  if (value === undefined) throw new Error(`Value ${name} was not read.`);
  return value;
}

function explained(
  place: { readonly name: string; readonly value: string },
  values: Values,
  channelAxis: (dims: readonly number[]) => number | undefined,
): ExplainedTensor {
  const tensor = valueOf(values, place.value);
  if (!dataTypeFacts(tensor.dtype).isFloat) {
    throw new UserError(
      'not-floating-point',
      `${place.name} holds ${tensor.dtype} values, so nothing can be shared out over it. Choose a layer with floating-point values.`,
    );
  }
  const dims = tensor.dims.slice(1);
  return {
    name: place.name,
    value: place.value,
    elementType: tensor.dtype,
    dims,
    channelAxis: channelAxis(dims),
    elements: tensor.data instanceof Float32Array ? tensor.data : Float32Array.from(toFloat64(tensor)),
  };
}

/** The number that is explained, and its name for the report. */
interface Selected {
  readonly selection: Selection;
  readonly explained: string;
  readonly targets: Targets | undefined;
}

function select(
  settings: AttributionSettings,
  from: {
    readonly rows: Rows;
    readonly values: Values;
    readonly output: ExplainedOutput;
    readonly neuron: UnitPlace | undefined;
    /** Steps of the explained input, where it is a signal of channels first. */
    readonly stepCount: number | undefined;
  },
): Selected {
  if (from.neuron !== undefined) return selectNeuron(from.neuron, from.values);
  const { output, rows, values } = from;
  const { feeds } = rows;
  const targets = chooseTargets(valueOf(values, output.value), settings, {
    feeds,
    stepCount: from.stepCount,
  });
  const { noun } = targets;
  const best = noun === 'class' ? 'the predicted class' : `the largest ${noun}`;
  const which = settings.target === 'argmax' ? best : `${noun} ${settings.target}`;
  const where = targets.where === undefined ? '' : ` at ${targets.where}`;
  const before = output.skipped === undefined ? '' : `, before its ${output.skipped}`;
  return {
    selection: { kind: 'element', value: output.value, indices: targets.indices },
    explained: `${targets.classCount === 1 ? 'the value' : which} of output "${output.output}"${where}${before}`,
    targets,
  };
}

function stepCountOf(model: Model, [first]: readonly ExplainableInput[], values: Values): number | undefined {
  if (first === undefined) return undefined;
  const dims = valueOf(values, first.value).dims.slice(1);
  return dims.length === 2 && channelAxisOf(model, first.value, dims) === 1 ? dims[1] : undefined;
}

function selectNeuron(neuron: UnitPlace, values: Values): Selected {
  const { axis, dims, position } = unitIn(neuron, values);
  const { unit } = neuron;
  const explainedText = `neuron ${neuron.address}`;
  if (position === undefined) {
    return {
      selection: { kind: 'unit', value: neuron.value, axis, unit, dims },
      explained: explainedText,
      targets: undefined,
    };
  }
  const index = fullIndex(axis, unit, position);
  const indices = Array.from({ length: dims[0] ?? 0 }, () => index);
  return {
    selection: { kind: 'element', value: neuron.value, indices },
    explained: explainedText,
    targets: undefined,
  };
}

/** Where a unit stands in its measured value: sizes that the model leaves open are known here. */
function unitIn(
  place: UnitPlace,
  values: Values,
): {
  readonly axis: number;
  readonly dims: readonly number[];
  readonly position: readonly number[] | undefined;
} {
  const { dims } = valueOf(values, place.value);
  const axis = frontAxis(place.unitAxis, dims.length) ?? 0;
  const unitCount = dims[axis] ?? 0;
  if (place.unit >= unitCount) {
    throw new UserError(
      'unit-out-of-range',
      `${place.address} does not exist: ${place.name} has ${String(unitCount)} units. Give a number from 0 to ${String(unitCount - 1)}.`,
      { detail: { address: place.address, unitCount } },
    );
  }
  const positionDims = dims.filter((_, at) => at !== 0 && at !== axis);
  const position =
    place.position === undefined ? undefined : parsePosition(place.position.join(','), positionDims);
  return { axis, dims, position };
}

function gateOf(place: UnitPlace, values: Values): Gate {
  return { value: place.value, unit: place.unit, ...unitIn(place, values) };
}

function frontAxis(axis: number | undefined, rank: number): number | undefined {
  return axis === undefined || axis >= 0 ? axis : axis + rank;
}

/** What classes and tokens are called. */
function dataFacts({
  data,
}: AnalysisContext): Pick<ExplanationFacts, 'labelNames' | 'tokens' | 'sampleRates' | 'layouts'> {
  const labelNames = data?.labelNames;
  const said = { labelNames, sampleRates: data?.sampleRates, layouts: data?.layouts };
  if (data?.tokens === undefined) return { ...said, tokens: undefined };
  const { input, tokenizer } = data.tokens;
  const { vocabularySize } = tokenizer;
  return { ...said, tokens: { input, vocabularySize, textOf: (id) => tokenizer.textOf(id) } };
}

function inputFacts(
  wanted: readonly ExplainableInput[],
  rows: Rows,
): Pick<ExplanationFacts, 'warnings' | 'tokenIds'> {
  const tokenIds = new Map<string, TensorValue>();
  const warnings: string[] = [];
  for (const { name, origin } of wanted) {
    const feed = rows.feeds[name];
    if (origin === 'embedding' && feed !== undefined) {
      tokenIds.set(name, feed);
      warnings.push(`Input "${name}" holds integers: it is explained at its embedding.`);
    }
    if (origin === 'cast') {
      warnings.push(`Input "${name}" holds integers: it is explained after their cast to floats.`);
    }
  }
  const held = Object.keys(rows.feeds).filter((name) => !wanted.some((input) => input.name === name));
  if (held.length > 0) warnings.push(`Held at the row's own values and not explained: ${held.join(', ')}.`);
  return { warnings, tokenIds };
}
