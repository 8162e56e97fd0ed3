import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { UserError } from '../../../base/errors.js';
import { isAffine } from '../../../engine/bounds/affine.js';
import { constantLookup } from '../../../engine/gradients/constantLookup.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import { readsOf, topologicalOrder } from '../../../onnx/graphIndex.js';
import { layersOf } from '../../../onnx/layers/layerTable.js';
import type { GraphNode, Model, ValueType } from '../../../onnx/model.js';
import { elementCountOf, float32Tensor, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { type CutValue, cutAt } from '../attribution/cut.js';
import { fixedBatchSize } from '../../shared/fixedBatch.js';
import { type PieceFunction, pieceFunctions, piecewiseOperators } from './pieces.js';

/** Rows of an affine map: outputs by inputs, and what is added. */
export interface AffineMap {
  /** Row-major, `[outputs, inputs]`. */
  readonly matrix: Float64Array;
  readonly offset: Float64Array;
}

/** A layer of activations: what enters it is affine in the input and in the activations of the layers before it. */
export interface Stage {
  /** Addresses of the units. */
  readonly units: readonly string[];
  readonly functions: readonly PieceFunction[];
  readonly map: AffineMap;
}

/** A network as affine maps between piecewise linear activations. */
export interface PiecewiseNetwork {
  readonly inputSize: number;
  readonly stages: readonly Stage[];
  /** From the input and all activations to the outputs. */
  readonly head: AffineMap;
  readonly outputCount: number;
}

/** What is taken apart. */
export interface NetworkRequest {
  readonly input: CutValue;
  /** Value of the outputs. */
  readonly output: string;
  readonly types: ReadonlyMap<string, ValueType>;
}

/** Elements of the input and of all activations, at most: every one is a run of the network. */
const maxElementCount = 4096;

/**
 * Returns a network as affine maps, found by running its affine parts on unit vectors, so that whatever operators say them
 * (dense, convolution, normalisation, skip connections) need not be told apart.
 *
 * @throws UserError `not-piecewise-linear` naming the first operator that is neither affine nor a known activation,
 * `too-many-units`.
 */
export async function piecewiseNetwork(
  context: AnalysisContext,
  request: NetworkRequest,
): Promise<PiecewiseNetwork> {
  const activations = findActivations(context.model, request);
  const sizeOf = (value: string): readonly number[] => dimsOf(request.types.get(value), value);
  const cuts: CutValue[] = [
    request.input,
    ...activations.map(({ outputs }) => ({
      value: outputs[0] ?? '',
      elementType: 'float32' as const,
      dims: sizeOf(outputs[0] ?? ''),
    })),
  ];
  const sizes = cuts.map(({ dims }) => elementCountOf(dims));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total > maxElementCount) throw tooManyUnits(total);
  const targets = [...activations.map(({ inputs }) => inputs[0] ?? ''), request.output];
  const responses = await unitResponses(context, { cuts, sizes, targets });
  const constantOf = constantLookup(context.model);
  const names = unitNames(context.model);
  const stages = activations.map((node, index): Stage => {
    const size = sizes[index + 1] ?? 0;
    const functions = pieceFunctions(node, size, constantOf);
    if (functions === undefined) throw notPiecewise(node, 'its parameters are computed by the network');
    const [value = ''] = node.outputs;
    const seen = sizes.slice(0, index + 1).reduce((sum, each) => sum + each, 0);
    return { units: names(value, sizeOf(value)), functions, map: mapOf(responses[index] ?? [], seen) };
  });
  const head = mapOf(responses.at(-1) ?? [], total);
  return { inputSize: sizes[0] ?? 0, stages, head, outputCount: head.offset.length };
}

/** The activations between input and output, in order; everything else on the way must be affine. */
function findActivations(model: Model, { input, output }: NetworkRequest): GraphNode[] {
  const order = topologicalOrder(prune(model, [output]).graph);
  if (order.kind === 'cycle') throw new Error('A graph with a cycle has no order.');
  const varying = new Set([input.value]);
  const activations: GraphNode[] = [];
  for (const node of order.nodes) {
    if (node.opType === 'Shape' || node.opType === 'Size') continue;
    const reads = [...readsOf(node)].filter((name) => varying.has(name));
    if (reads.length === 0) continue;
    const free = node.inputs.flatMap((name, index) => (varying.has(name) ? [index] : []));
    const isActivation = node.domain === '' && piecewiseOperators.has(node.opType) && free.join() === '0';
    if (isActivation) activations.push(node);
    else if (!isAffine(node, free)) throw notPiecewise(node);
    for (const name of node.outputs) varying.add(name);
  }
  return activations;
}

/** Responses of every target to the zero vector and to every unit vector of the cuts. */
async function unitResponses(
  context: AnalysisContext,
  at: {
    readonly cuts: readonly CutValue[];
    readonly sizes: readonly number[];
    readonly targets: readonly string[];
  },
): Promise<Float64Array[][]> {
  const { model, inputNames } = cutAt(context.model, at.cuts);
  const builder = new GraphBuilder(model);
  // A target may be an activation's value itself: an Identity keeps outputs apart from inputs.
  const outputs = at.targets.map((target) => builder.node('Identity', [target]));
  builder.setOutputs(outputs);
  const session = await context.runtime.open(prune(builder.build(), outputs));
  try {
    const total = at.sizes.reduce((sum, size) => sum + size, 0);
    const batch = fixedBatchSize(context.model) ?? Math.max(1, Math.min(256, context.batchSize));
    const found = outputs.map((): Float64Array[] => []);
    for (let start = 0; start <= total; start += batch) {
      throwIfAborted(context.signal);
      const feeds = unitFeeds(at, inputNames, { start, batch });
      const used = Object.fromEntries(
        Object.entries(feeds).filter(([name]) => session.inputNames.includes(name)),
      );
      const values = await session.run(used, outputs);
      for (const [target, name] of outputs.entries()) {
        const elements = toFloat64(values[name] ?? float32Tensor([], [0]));
        const size = elements.length / batch;
        for (let row = 0; row < batch && start + row <= total; row++) {
          found[target]?.push(elements.slice(row * size, (row + 1) * size));
        }
      }
      await yieldToEventLoop();
    }
    return found;
  } finally {
    await session.close();
  }
}

/** Row 0 is the zero vector, row i the unit vector of element i − 1; rows beyond the last are zero. */
function unitFeeds(
  at: { readonly cuts: readonly CutValue[]; readonly sizes: readonly number[] },
  inputNames: readonly string[],
  { start, batch }: { readonly start: number; readonly batch: number },
): Record<string, ReturnType<typeof float32Tensor>> {
  let before = 0;
  const feeds: Record<string, ReturnType<typeof float32Tensor>> = {};
  for (const [cut, { dims }] of at.cuts.entries()) {
    const size = at.sizes[cut] ?? 0;
    const data = new Float32Array(batch * size);
    for (let row = 0; row < batch; row++) {
      const element = start + row - 1 - before;
      if (element >= 0 && element < size) data[row * size + element] = 1;
    }
    feeds[inputNames[cut] ?? ''] = float32Tensor(data, [batch, ...dims]);
    before += size;
  }
  return feeds;
}

function mapOf(responses: readonly Float64Array[], inputCount: number): AffineMap {
  const [offset = new Float64Array()] = responses;
  const matrix = new Float64Array(offset.length * inputCount);
  for (let input = 0; input < inputCount; input++) {
    const response = responses[input + 1];
    for (const [output, base] of offset.entries()) {
      matrix[output * inputCount + input] = (response?.[output] ?? NaN) - base;
    }
  }
  return { matrix, offset };
}

function dimsOf(type: ValueType | undefined, value: string): readonly number[] {
  const shape = type?.kind === 'tensor' ? (type.shape?.slice(1) ?? undefined) : undefined;
  const dims = shape?.filter((size) => typeof size === 'number');
  if (shape !== undefined && dims?.length === shape.length) return dims;
  throw new UserError(
    'shape-unknown',
    `The shape of ${value} depends on more than the batch, so its units cannot be counted.`,
  );
}

function unitNames(model: Model): (value: string, dims: readonly number[]) => readonly string[] {
  const layers = layersOf(model).layers;
  return (value, dims) => {
    const name = layers.find(({ output }) => output === value)?.name ?? value;
    const [, ...positions] = dims;
    const inner = elementCountOf(positions);
    return Array.from({ length: elementCountOf(dims) }, (_, i) => {
      if (positions.length === 0) return `${name}[${String(i)}]`;
      const at: number[] = [];
      let rest = i % inner;
      for (const size of [...positions].reverse()) {
        at.unshift(rest % size);
        rest = Math.floor(rest / size);
      }
      return `${name}[${String(Math.floor(i / inner))}]@${at.join(',')}`;
    });
  };
}

function notPiecewise(
  node: GraphNode,
  why = 'it is neither affine nor an activation of straight pieces',
): UserError {
  return new UserError(
    'not-piecewise-linear',
    `The network has no exact tree: at ${node.opType}${node.name === '' ? '' : ` (${node.name})`} ${why}. Trees are for dense and convolutional networks with ${[...piecewiseOperators].join(', ')}.`,
    { detail: { operator: node.opType, node: node.name } },
  );
}

function tooManyUnits(count: number): UserError {
  return new UserError(
    'too-many-units',
    `Input and activations have ${count.toLocaleString('en-US')} elements together, and a tree of more than ${maxElementCount.toLocaleString('en-US')} could be neither grown nor read. Give a smaller network.`,
  );
}
