import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { UserError } from '../../../base/errors.js';
import type { Dataset } from '../../../data/dataset.js';
import { prune } from '../../../engine/rewrites/prune.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import { type DataType, dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Model, ValueInfo } from '../../../onnx/model.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { fedBatches, pickFeeds } from '../../shared/sweep.js';

/** Inputs and outputs of a model, row by row. */
export interface Pairs {
  /** Elements of the inputs, each row `[p]`; of wide inputs the means of runs of neighbours. */
  readonly inputs: readonly Float64Array[];
  readonly outputs: readonly Float64Array[];
  /** Names of the elements of an input row. */
  readonly names: readonly string[];
  readonly outputName: string;
  /** Which elements of the output rows those are, and of how many. */
  readonly outputIndices: readonly number[];
  readonly outputWidth: number;
  /** Rows left out for NaN or infinities. */
  readonly brokenCount: number;
  /** Elements that were averaged into runs; undefined where every element stands for itself. */
  readonly pooledFrom: number | undefined;
}

/** Inputs wider than this are averaged over runs of neighbours first. */
export const maxWidth = 1024;

/** Numbers of the output that are approximated. */
export const maxOutputs = 16;

/** Returns the inputs that hold real numbers. */
export function realInputs(model: Model): readonly ValueInfo[] {
  return model.graph.inputs.filter(({ type }) => type.kind === 'tensor' && isReal(type.elementType));
}

function isReal(elementType: DataType): boolean {
  return dataTypeFacts(elementType).isFloat;
}

/**
 * Returns what the model makes of `rowCount` rows of the data, drawn with the seed where there are more.
 *
 * @throws UserError when the output is no output of the model or holds nothing for each row.
 */
export async function readPairs(
  context: AnalysisContext,
  data: Dataset,
  { rowCount, output }: { readonly rowCount: number; readonly output: string | null },
): Promise<Pairs> {
  const outputName = chooseOutput(context.model, output);
  const names = realInputs(context.model).map(({ name }) => name);
  const allCount = Math.min(data.sampleCount, context.limit ?? Infinity);
  const count = Math.min(allCount, rowCount);
  const order = count < allCount ? context.random.permutation(allCount).slice(0, count) : undefined;
  const drawn: Pick<Dataset, 'batches'> = {
    batches: (options, signal) => data.batches(order === undefined ? options : { ...options, order }, signal),
  };
  const reader = new PairReader(data, names, outputName);
  const session = await context.runtime.open(prune(context.model, [outputName]));
  try {
    for await (const { batch, feeds } of fedBatches({ ...context, data: drawn }, context.model, count)) {
      const value = (await session.run(pickFeeds(feeds, session)))[outputName];
      if (value === undefined) throw new Error(`The runtime gave no ${outputName}.`);
      reader.add(feeds, value, batch.sampleCount);
      context.progress({ fractionDone: (0.7 * reader.rowCount) / count, message: 'Running the model' });
      await yieldToEventLoop();
      throwIfAborted(context.signal);
    }
  } finally {
    await session.close();
  }
  return reader.pairs();
}

function chooseOutput({ graph }: Model, wanted: string | null): string {
  const real = graph.outputs.filter(({ type }) => type.kind !== 'tensor' || isReal(type.elementType));
  const chosen = wanted === null ? real[0] : real.find(({ name }) => name === wanted);
  if (chosen !== undefined) return chosen.name;
  const known = real.map(({ name }) => name).join(', ');
  throw new UserError(
    'no-output',
    wanted === null
      ? 'No output of this model holds real numbers, so there is nothing to approximate.'
      : `This model has no output ${wanted} of real numbers. Set output to one of ${known}.`,
  );
}

class PairReader {
  rowCount = 0;
  private readonly inputs: Float64Array[] = [];
  private readonly outputs: Float64Array[] = [];
  private chosen: number[] = [];
  private outputWidth = 0;
  private names: string[] = [];
  private inputWidth = 0;
  private brokenCount = 0;

  constructor(
    private readonly data: Dataset,
    private readonly inputNames: readonly string[],
    private readonly outputName: string,
  ) {}

  add(feeds: Feeds, value: TensorValue, sampleCount: number): void {
    const tensors = this.inputNames.flatMap((name) => {
      const fed = feeds[name];
      return fed === undefined ? [] : [{ name, fed, elements: toFloat64(fed), width: widthOf(fed) }];
    });
    const answers = toFloat64(value);
    if (this.rowCount === 0) {
      this.inputWidth = tensors.reduce((sum, { width }) => sum + width, 0);
      this.names = tensors.flatMap(({ name, fed }) => elementNames(name, fed, this.data));
      this.outputWidth = widthOf(value);
      if (value.dims[0] !== widthRows(feeds)) throw notByRow(this.outputName, value);
      this.chosen = mostVarying(answers, { width: this.outputWidth, rowCount: sampleCount });
    }
    for (let row = 0; row < sampleCount; row++) {
      this.rowCount++;
      const own = new Float64Array(this.inputWidth);
      let from = 0;
      for (const { elements, width } of tensors) {
        own.set(elements.subarray(row * width, (row + 1) * width), from);
        from += width;
      }
      const pooled = poolRuns(own);
      const output = Float64Array.from(this.chosen, (at) => answers[row * this.outputWidth + at] ?? NaN);
      if (pooled.every(Number.isFinite) && output.every(Number.isFinite)) {
        this.inputs.push(pooled);
        this.outputs.push(output);
      } else this.brokenCount++;
    }
  }

  pairs(): Pairs {
    const { inputs, outputs, outputName, outputWidth, brokenCount } = this;
    const isPooled = this.inputWidth > maxWidth;
    return {
      ...{ inputs, outputs, outputName, outputWidth, brokenCount, outputIndices: this.chosen },
      names: isPooled ? Array.from({ length: maxWidth }, (_, run) => `run ${run}`) : this.names,
      pooledFrom: isPooled ? this.inputWidth : undefined,
    };
  }
}

function widthOf({ dims }: TensorValue): number {
  return dims.slice(1).reduce((product, size) => product * size, 1);
}

function widthRows(feeds: Feeds): number {
  return Object.values(feeds)[0]?.dims[0] ?? 0;
}

function notByRow(name: string, { dims }: TensorValue): UserError {
  return new UserError(
    'no-output',
    `The output ${name} [${dims.join(', ')}] has no numbers for each sample. Set output to one whose first axis is the batch.`,
  );
}

/** Returns the means of as many runs of neighbours as are kept; the row itself where it is narrow enough. */
function poolRuns(row: Float64Array): Float64Array {
  if (row.length <= maxWidth) return row;
  const edge = (run: number): number => Math.floor((run * row.length) / maxWidth);
  return Float64Array.from({ length: maxWidth }, (_, run) => {
    const own = row.subarray(edge(run), edge(run + 1));
    return own.reduce((sum, element) => sum + element, 0) / own.length;
  });
}

/** Returns all elements of a narrow output; of a wide one those that vary most over some rows, in their order. */
function mostVarying(
  answers: Float64Array,
  { width, rowCount }: { readonly width: number; readonly rowCount: number },
): number[] {
  const all = Array.from({ length: width }, (_, at) => at);
  if (width <= maxOutputs) return all;
  const variances = all.map((at) => {
    const own = Array.from({ length: rowCount }, (_, row) => answers[row * width + at] ?? NaN);
    const mean = own.reduce((sum, value) => sum + value, 0) / rowCount;
    return own.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  });
  return all
    .sort((a, b) => (variances[b] ?? 0) - (variances[a] ?? 0) || a - b)
    .slice(0, maxOutputs)
    .sort((a, b) => a - b);
}

/** `pixels[0,3,4]`, or the name of the column. */
function elementNames(input: string, { dims }: TensorValue, data: Dataset): string[] {
  const sizes = dims.slice(1);
  const columns = data.columnNames?.[input];
  const width = sizes.reduce((product, size) => product * size, 1);
  if (width > maxWidth) return [];
  return Array.from({ length: width }, (_, element) => {
    const column = sizes.length === 1 ? columns?.[element] : undefined;
    if (column !== undefined) return column;
    let rest = element;
    const place = sizes.toReversed().map((size) => {
      const own = rest % size;
      rest = Math.floor(rest / size);
      return own;
    });
    return `${input}[${place.toReversed().join(',')}]`;
  });
}
