import { UserError } from '../../../base/errors.js';
import type { TensorValue } from '../../../onnx/tensorValue.js';
import { elementCountOf, float32Tensor, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { chooseOutput } from '../attribution/explained.js';
import { type ExplainableInput, explainableInputs } from '../attribution/inputs.js';
import { readRows, type Rows } from '../attribution/rows.js';
import { readValues } from '../attribution/readValues.js';
import { rowTypes } from '../attribution/rowTypes.js';
import { growTree, nodeOf, type RegionTree, valueAt } from './grow.js';
import { piecewiseNetwork, type PiecewiseNetwork } from './network.js';
import type { Box } from './region.js';

/** Rows that regions are counted on when no limit is given. */
export const regionRowCount = 1000;

/** What is asked of the tree. */
export interface RegionSettings {
  readonly output: string | null;
  readonly maxLeaves: number;
  readonly domain: string;
  readonly points: number;
}

/** A tree and what was checked of it. */
export interface RegionStudy {
  readonly rows: Rows;
  readonly network: PiecewiseNetwork;
  readonly tree: RegionTree;
  readonly box: Box;
  readonly explained: string;
  readonly inputNames: readonly string[];
  /** Samples by leaf. */
  readonly samplesByLeaf: Int32Array;
  /** Regions that the rows lie in, grown or not: distinct patterns of pieces. */
  readonly metCount: number;
  /** Share of the rows in grown leaves. */
  readonly coverage: number;
  /** Largest |tree − network| over random points and rows in grown leaves; NaN where there are none. */
  readonly maxError: number;
  /** Points compared, random ones and rows. */
  readonly comparedCount: number;
}

/**
 * Grows the exact tree of a network and compares it with the network.
 *
 * @throws UserError `not-piecewise-linear`, `too-many-units`, `one-input`, `wrong-domain`.
 */
export async function studyRegions(context: AnalysisContext, settings: RegionSettings): Promise<RegionStudy> {
  const rows = await readRows(context, { defaultCount: regionRowCount });
  const types = await rowTypes(context, rows);
  const { output, value, skipped } = chooseOutput(context.model, types, {
    output: settings.output,
    explain: 'auto',
  });
  const { input, feed } = onlyInput(context, rows);
  const dims = feed.dims.slice(1);
  context.progress({ fractionDone: 0.02, message: 'Taking the network apart' });
  const cut = { value: input.value, elementType: feed.dtype, dims };
  const network = await piecewiseNetwork(context, { input: cut, output: value, types });
  const samples = rowsOf(feed);
  const box = chooseBox(settings.domain, samples);
  const tree = await growTree(network, {
    ...{ box, samples, maxLeaves: settings.maxLeaves, signal: context.signal },
    onLeaf: (leafCount) => {
      const fractionDone = 0.05 + (0.8 * leafCount) / settings.maxLeaves;
      context.progress({ fractionDone, message: `${leafCount.toLocaleString('en-US')} regions` });
    },
  });
  const checked = await compare(context, {
    rows,
    input: input.name,
    dims,
    value,
    network,
    tree,
    box,
    samples,
    settings,
  });
  const columns = context.data?.columnNames?.[input.name];
  return {
    ...{ rows, network, tree, box, ...checked },
    explained: `output "${output}"${skipped === undefined ? '' : ` before its ${skipped}`}`,
    inputNames: columns ?? Array.from({ length: network.inputSize }, (_, i) => `${input.name}[${String(i)}]`),
    metCount: countPatterns(network, samples),
  };
}

function onlyInput(
  { model }: AnalysisContext,
  { feeds }: Rows,
): { readonly input: ExplainableInput; readonly feed: TensorValue } {
  const [input, ...others] = explainableInputs(model, feeds);
  const feed = feeds[input?.name ?? ''];
  const isOnly = others.length === 0 && Object.keys(feeds).length === 1;
  if (input?.origin === 'input' && feed !== undefined && isOnly) return { input, feed };
  throw new UserError(
    'one-input',
    `An exact tree asks about one input of floats, and this model is fed ${Object.keys(feeds).join(', ')}. Give a model with one such input.`,
  );
}

function rowsOf(feed: TensorValue): Float64Array[] {
  const size = elementCountOf(feed.dims.slice(1));
  const values = toFloat64(feed);
  return Array.from({ length: feed.dims[0] ?? 0 }, (_, row) => values.slice(row * size, (row + 1) * size));
}

function chooseBox(domain: string, samples: readonly Float64Array[]): Box {
  const size = samples[0]?.length ?? 0;
  if (domain === 'data') {
    const [low, high] = [new Float64Array(size).fill(Infinity), new Float64Array(size).fill(-Infinity)];
    for (const sample of samples) {
      for (const [i, value] of sample.entries()) {
        if (!Number.isFinite(value)) {
          throw wrongDomain('the data hold NaN or infinite values, which lie in no box');
        }
        low[i] = Math.min(low[i] ?? Infinity, value);
        high[i] = Math.max(high[i] ?? -Infinity, value);
      }
    }
    return { low, high };
  }
  const [least = NaN, greatest = NaN, ...more] = domain.split(',').map(Number);
  if (!(least < greatest) || more.length > 0) {
    throw wrongDomain(`domain=${domain} is neither "data" nor two numbers, the smaller first`);
  }
  return { low: new Float64Array(size).fill(least), high: new Float64Array(size).fill(greatest) };
}

function wrongDomain(problem: string): UserError {
  return new UserError(
    'wrong-domain',
    `There is no box to grow the tree over: ${problem}. Give domain=data with finite data, or two numbers such as "-1, 1".`,
  );
}

interface Comparison {
  readonly rows: Rows;
  readonly input: string;
  readonly dims: readonly number[];
  readonly value: string;
  readonly network: PiecewiseNetwork;
  readonly tree: RegionTree;
  readonly box: Box;
  readonly samples: readonly Float64Array[];
  readonly settings: RegionSettings;
}

/** Runs the network on random points of the box and on the rows, and the tree where it was grown. */
async function compare(
  context: AnalysisContext,
  at: Comparison,
): Promise<Pick<RegionStudy, 'samplesByLeaf' | 'coverage' | 'maxError' | 'comparedCount'>> {
  const { box, samples, tree, network } = at;
  const random = Array.from({ length: at.settings.points }, () =>
    box.low.map((low, i) => Math.fround(low + context.random.next() * ((box.high[i] ?? 0) - low))),
  );
  const points = [...random, ...samples];
  const feed = float32Tensor(Float32Array.from(points.flatMap((point) => [...point])), [
    points.length,
    ...at.dims,
  ]);
  const pointRows = { ...at.rows, count: points.length, feeds: { [at.input]: feed } };
  context.progress({ fractionDone: 0.9, message: 'Comparing tree and network' });
  const values = toFloat64((await readValues(context, pointRows, [at.value])).get(at.value) ?? feed);
  const samplesByLeaf = new Int32Array(tree.leafCount);
  let [maxError, comparedCount, coveredCount] = [NaN, 0, 0];
  for (const [index, point] of points.entries()) {
    const node = nodeOf(tree.root, point);
    if (node.kind === 'open') continue;
    comparedCount++;
    if (index >= random.length) {
      coveredCount++;
      samplesByLeaf[node.index] = (samplesByLeaf[node.index] ?? 0) + 1;
    }
    for (const [output, form] of node.outputs.entries()) {
      const error = Math.abs(valueAt(form, point) - (values[index * network.outputCount + output] ?? NaN));
      if (!(error <= maxError)) maxError = error;
    }
  }
  return { samplesByLeaf, maxError, comparedCount, coverage: coveredCount / samples.length };
}

/** Counts the distinct patterns of pieces that the samples take, by the affine maps alone. */
function countPatterns(network: PiecewiseNetwork, samples: readonly Float64Array[]): number {
  const patterns = new Set<string>();
  for (const sample of samples) {
    const elements = [...sample];
    let pattern = '';
    for (const { map, functions } of network.stages) {
      const width = map.matrix.length / map.offset.length;
      const entering = Array.from(map.offset, (base, unit) =>
        valueAt({ weights: map.matrix.subarray(unit * width, (unit + 1) * width), bias: base }, elements),
      );
      for (const [unit, value] of entering.entries()) {
        const { ends = [], pieces = [] } = functions[unit] ?? {};
        const piece = ends.filter((end) => value > end).length;
        pattern += String(piece);
        elements.push((pieces[piece]?.slope ?? NaN) * value + (pieces[piece]?.offset ?? NaN));
      }
    }
    patterns.add(pattern);
  }
  return patterns.size;
}
