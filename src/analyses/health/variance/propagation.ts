import type { Layer, LayerTable } from '../../../onnx/layers/layer.js';
import type { AnalysisContext } from '../../analysis.js';
import { type GaussianMoments, gaussianMoments } from '../../../engine/numeric/gaussianMoments.js';
import type { MeasuredActivation } from './measureVariance.js';
import { openActivation, type ScalarFunction } from '../../shared/scalarFunction.js';
import { type WeightMoments, weightMomentsOf } from './weightMoments.js';

/** The layer that reads an activation and nothing between them changes a value. */
export interface Reader {
  readonly layer: string;
  readonly weights: WeightMoments;
  /** Index of the activation that its output enters; undefined where another value comes first. */
  readonly next: number | undefined;
  /** Whether it gives an output of the model. */
  readonly isOutput: boolean;
}

/** An activation: measured, and predicted from what enters it. */
export interface PropagatedActivation extends MeasuredActivation {
  readonly layer: Layer;
  /** Mean square of ∂L/∂z at what enters; undefined where it was not measured. */
  readonly gradientSquare: number | undefined;
  /** Of the activation's function, z normal with the measured mean and variance; a reason where it cannot be. */
  readonly predicted: GaussianMoments | string;
  readonly reader: Reader | undefined;
  /** E z² in front of the next activation: fan-in · E w² · E f(z)² + E b². */
  readonly nextSquare: number | undefined;
  /** E (∂L/∂z)²: fan-out · E w² · E f′(z)² · the next layer's. */
  readonly predictedGradientSquare: number | undefined;
}

/** Predicts every activation from its measured input, and links it to the layer that reads it. */
export async function propagate(
  context: AnalysisContext,
  table: LayerTable,
  {
    measured,
    gradients,
  }: {
    readonly measured: readonly MeasuredActivation[];
    readonly gradients: ReadonlyMap<string, number> | string;
  },
): Promise<PropagatedActivation[]> {
  const links = new Links(table, measured);
  const gradientAt = (activation: MeasuredActivation | undefined): number | undefined =>
    typeof gradients === 'string' ? undefined : gradients.get(activation?.target.entering ?? '');
  const found: PropagatedActivation[] = [];
  for (const [index, activation] of measured.entries()) {
    const layer = table.byName.get(activation.target.layer);
    if (layer === undefined) continue;
    const predicted = await predict(context, layer, activation);
    const reader = await links.readerOf(activation);
    const moments = typeof predicted === 'string' ? undefined : predicted;
    const nextGradient = reader?.isOutput === true ? 1 : gradientAt(measured[reader?.next ?? -1]);
    found.push({
      ...{ ...activation, layer, predicted, reader, gradientSquare: gradientAt(activation) },
      nextSquare: forwardOf(moments, reader),
      predictedGradientSquare: backwardOf(moments, reader, nextGradient),
    });
    context.progress({
      fractionDone: 0.7 + (0.3 * (index + 1)) / measured.length,
      message: `Predicting ${layer.name}`,
    });
  }
  return found;
}

function forwardOf(moments: GaussianMoments | undefined, reader: Reader | undefined): number | undefined {
  if (moments === undefined || reader === undefined) return undefined;
  const { fanIn, square, biasSquare } = reader.weights;
  return fanIn * square * moments.square + biasSquare;
}

function backwardOf(
  moments: GaussianMoments | undefined,
  reader: Reader | undefined,
  next: number | undefined,
): number | undefined {
  if (moments === undefined || reader === undefined || next === undefined) return undefined;
  return reader.weights.fanOut * reader.weights.square * moments.slopeSquare * next;
}

async function predict(
  { model, runtime }: AnalysisContext,
  layer: Layer,
  { target, entering }: MeasuredActivation,
): Promise<GaussianMoments | string> {
  if (target.elementType !== 'float32') return `it is computed in ${target.elementType}`;
  const opened: ScalarFunction | string = await openActivation(model, layer, runtime);
  if (typeof opened === 'string') return opened;
  try {
    return await gaussianMoments((points) => opened.at(points), {
      mean: entering.mean,
      deviation: Math.sqrt(entering.variance),
    });
  } finally {
    await opened.close();
  }
}

/** Operators between an activation and the layer that reads it that change no value. */
const transparent: ReadonlySet<string> = new Set(['Flatten', 'Reshape', 'Dropout', 'Identity']);

class Links {
  constructor(
    private readonly table: LayerTable,
    private readonly measured: readonly MeasuredActivation[],
  ) {}

  async readerOf({ target }: MeasuredActivation): Promise<Reader | undefined> {
    const [view] = this.table.views;
    if (view === undefined) return undefined;
    const reachable = new Set([target.leaving]);
    for (const node of view.graph.nodes) {
      const passes = transparent.has(node.opType) && reachable.has(node.inputs[0] ?? '');
      if (passes) reachable.add(node.outputs[0] ?? '');
    }
    const layer = this.table.layers.find(
      ({ kind, input }) => (kind === 'dense' || kind === 'conv') && input !== null && reachable.has(input),
    );
    const weights = layer === undefined ? undefined : await weightMomentsOf(layer, this.table);
    if (layer === undefined || weights === undefined) return undefined;
    const next = this.measured.findIndex((other) => other.target.entering === layer.output);
    return {
      ...{ layer: layer.name, weights, next: next < 0 ? undefined : next },
      isOutput: view.outputs.has(layer.output),
    };
  }
}
