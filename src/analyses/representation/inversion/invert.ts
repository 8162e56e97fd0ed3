import { buildDescentStep, type DescentStep, type Term } from '../../../engine/descent/descentStep.js';
import { descend } from '../../../engine/descent/descend.js';
import type { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import type { Optimizer } from '../../../engine/training/optimizer.js';
import { adam } from '../../../engine/training/optimizers/adam.js';
import { sgd } from '../../../engine/training/optimizers/sgd.js';
import { elementCountOf, float32Tensor, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { priorTerms } from '../../shared/descent/priorTerms.js';
import { pickFeeds } from '../../shared/sweep.js';
import type { InvertedInput } from './inputs.js';
import type { InvertedLayer } from './layers.js';
import type { InversionSettings } from './settings.js';

/** A layer's representation turned back into inputs, as far as the steps went. */
export interface Inversion {
  readonly layer: InvertedLayer;
  /** The inputs found, as z, rows first. */
  readonly z: Float64Array;
  /** ‖Φ(x) − Φ₀‖ / ‖Φ₀‖ of each row; ‖Φ(x)‖ where Φ₀ is 0. */
  readonly relativeErrors: Float64Array;
  /** Root mean square of x − x₀ of each row, in shares of the input's range. */
  readonly distances: Float64Array;
  /** What was minimised, by step and row: one more than there were steps. */
  readonly objective: readonly Float64Array[];
}

/** Noise that a descent starts from, in halves of the range around its middle. */
const startDeviation = 0.1;

const targetName = 'ni/representation';
const scaleName = 'ni/scale';

/** Looks for inputs that a layer represents as it does the samples; told after every step what there is. */
export async function invertLayer(
  context: AnalysisContext,
  {
    input,
    layer,
    settings,
  }: { readonly input: InvertedInput; readonly layer: InvertedLayer; readonly settings: InversionSettings },
  onStep: (known: Inversion) => void,
): Promise<Inversion> {
  const optimizer = optimizerOf(settings);
  const step = inversionStep(context, { input, layer, settings, optimizer });
  const session = await context.runtime.open(step.model);
  const objective: Float64Array[] = [];
  let known: Inversion | undefined;
  try {
    const fed = {
      ...input.feeds,
      [targetName]: layer.representation,
      [scaleName]: scalesOf(layer.representation),
    };
    await descend(session, step, {
      start: startOf(context, input),
      stepCount: settings.steps,
      learningRate: settings.learningRate ?? (settings.optimizer === 'adam' ? 0.05 : 0.5),
      optimizer,
      feeds: pickFeeds(fed, session),
      signal: context.signal,
      onStep: ({ z, terms }) => {
        objective.push(totalsOf(step.terms, terms));
        known = foundAt(input, { layer, z: toFloat64(z), errors: terms[0] ?? new Float64Array(), objective });
        onStep(known);
      },
    });
  } finally {
    await session.close();
  }
  if (known === undefined) throw new Error('A descent measures where it starts.');
  return known;
}

function optimizerOf({ optimizer }: InversionSettings): Optimizer {
  return optimizer === 'adam' ? adam() : sgd({ momentum: 0.9 });
}

function inversionStep(
  { model }: AnalysisContext,
  {
    input,
    layer,
    settings,
    optimizer,
  }: {
    readonly input: InvertedInput;
    readonly layer: InvertedLayer;
    readonly settings: InversionSettings;
    readonly optimizer: Optimizer;
  },
): DescentStep {
  return buildDescentStep(model, {
    input: input.name,
    dims: input.dims,
    centre: input.range.centre,
    half: input.range.half,
    isBounded: settings.range === 'data',
    optimizer,
    inputShapes: Object.fromEntries(
      Object.entries(input.feeds).flatMap(([name, { dims }]) => (name === input.name ? [] : [[name, dims]])),
    ),
    objective: (builder, z) => [
      { name: 'error', value: appendError(builder, layer), weight: 1 },
      ...priorTerms(builder, z, { input, settings }),
    ],
  });
}

/** Appends ‖Φ(x) − Φ₀‖² / ‖Φ₀‖² of each row. */
function appendError(builder: GraphBuilder, { value, representation }: InvertedLayer): string {
  const { dims } = representation;
  const target = builder.addInput(targetName, { kind: 'tensor', elementType: 'float32', shape: dims });
  const scale = builder.addInput(scaleName, {
    kind: 'tensor',
    elementType: 'float32',
    shape: dims.slice(0, 1),
  });
  const difference = builder.node('Sub', [value, target]);
  const squares = builder.node('Mul', [difference, difference]);
  const axes = dims.slice(1).map((_, axis) => axis + 1);
  return builder.node('Mul', [builder.reduce('ReduceSum', squares, axes, false), scale]);
}

/** 1 / ‖Φ₀‖² of each row, or 1 where Φ₀ is 0. */
function scalesOf(representation: TensorValue): TensorValue {
  const [rowCount = 1] = representation.dims;
  const numbers = toFloat64(representation);
  const size = numbers.length / rowCount;
  const scales = Float32Array.from({ length: rowCount }, (_, row) => {
    const sum = numbers
      .subarray(row * size, (row + 1) * size)
      .reduce((total, number) => total + number * number, 0);
    return sum === 0 ? 1 : 1 / sum;
  });
  return float32Tensor(scales, [rowCount]);
}

function startOf({ random }: AnalysisContext, { dims }: InvertedInput): TensorValue {
  const start = new Float32Array(elementCountOf(dims));
  for (let i = 0; i < start.length; i++) start[i] = startDeviation * random.normal();
  return float32Tensor(start, dims);
}

function totalsOf(terms: readonly Term[], values: readonly Float64Array[]): Float64Array {
  const [first = new Float64Array()] = values;
  return first.map((_, row) =>
    terms.reduce((sum, { weight }, index) => sum + weight * (values[index]?.[row] ?? NaN), 0),
  );
}

function foundAt(
  input: InvertedInput,
  {
    layer,
    z,
    errors,
    objective,
  }: {
    readonly layer: InvertedLayer;
    readonly z: Float64Array;
    readonly errors: Float64Array;
    readonly objective: readonly Float64Array[];
  },
): Inversion {
  const size = elementCountOf(input.dims.slice(1));
  const distances = Float64Array.from({ length: input.rowCount }, (_, row) => {
    let sum = 0;
    for (let i = row * size; i < (row + 1) * size; i++) sum += ((z[i] ?? NaN) - (input.z[i] ?? NaN)) ** 2;
    // z has two halves.
    return Math.sqrt(sum / size) / 2;
  });
  const relativeErrors = errors.slice(0, input.rowCount).map(Math.sqrt);
  return { layer, z, relativeErrors, distances, objective: [...objective] };
}
