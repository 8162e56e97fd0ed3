import type { Model } from '../../onnx/model.js';
import { inferTypes } from '../../onnx/shapes/inferTypes.js';
import { differentiate } from '../gradients/differentiate.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { promoteToInputs } from '../rewrites/promote.js';
import { type AdamOutputs, type AdamScalars, type AdamSettings, adamDefaults, appendAdam } from './adam.js';
import { appendCrossEntropy } from './crossEntropy.js';

/** What a step trains. */
export interface TrainingStepRequest {
  /** Value with the logits, [N, C]. */
  readonly logits: string;
  readonly classCount: number;
  /** Initializers to train. */
  readonly parameters: readonly string[];
  readonly adam: AdamSettings;
}

/** One optimisation step as one run of one graph. */
export interface TrainingStep {
  /** Inputs: the model's own, `labels`, every parameter with its two moments, and the scalars. */
  readonly model: Model;
  /** Name of the int64 [N] input with the class of each sample. */
  readonly labels: string;
  /** Name of the scalar loss output. */
  readonly loss: string;
  readonly scalars: AdamScalars;
  /** Per parameter: the names of its moments' inputs and of what comes out. */
  readonly parameters: ReadonlyMap<string, ParameterNames>;
}

/** Names of one parameter's moments (inputs) and of its updated values (outputs). */
export interface ParameterNames {
  readonly first: string;
  readonly second: string;
  readonly updated: AdamOutputs;
}

const scalarType = { kind: 'tensor', elementType: 'float32', shape: [] } as const;

/**
 * Builds the graph of one training step: forward, mean cross-entropy, every weight gradient, Adam.
 *
 * @throws UserError when an operator on the way to a parameter has no gradient rule.
 */
export function buildTrainingStep(model: Model, request: TrainingStepRequest): TrainingStep {
  const promoted = promoteToInputs(model, request.parameters);
  const types = inferTypes(promoted);
  const lossBuilder = new GraphBuilder(promoted);
  const labels = lossBuilder.addInput(lossBuilder.freshName('labels'), {
    kind: 'tensor',
    elementType: 'int64',
    shape: ['N'],
  });
  const { loss, cotangent } = appendCrossEntropy(lossBuilder, request.logits, {
    name: labels,
    classCount: request.classCount,
  });
  const { model: withGradients, gradients } = differentiate(lossBuilder.build(), {
    seeds: [{ value: request.logits, cotangent }],
    wrt: request.parameters,
    types,
  });
  const builder = new GraphBuilder(withGradients);
  const scalars: AdamScalars = {
    learningRate: builder.addInput(builder.freshName('learningRate'), scalarType),
    firstCorrection: builder.addInput(builder.freshName('firstCorrection'), scalarType),
    secondCorrection: builder.addInput(builder.freshName('secondCorrection'), scalarType),
  };
  const parameters = appendUpdates(builder, gradients, { request, scalars });
  builder.setOutputs([
    loss,
    ...[...parameters.values()].flatMap(({ updated }) => Object.values(updated) as string[]),
  ]);
  return { model: builder.build(), labels, loss, scalars, parameters };
}

/** Appends Adam's update of every parameter, with its two moments as inputs. */
function appendUpdates(
  builder: GraphBuilder,
  gradients: ReadonlyMap<string, string>,
  { request, scalars }: { readonly request: TrainingStepRequest; readonly scalars: AdamScalars },
): Map<string, ParameterNames> {
  const settings = adamDefaults(request.adam);
  const parameters = new Map<string, ParameterNames>();
  for (const parameter of request.parameters) {
    const gradient = gradients.get(parameter);
    if (gradient === undefined) throw new Error(`No gradient reached the parameter ${parameter}.`);
    const type = { kind: 'tensor', elementType: 'float32', shape: null } as const;
    const first = builder.addInput(builder.freshName(`${parameter}/first`), type);
    const second = builder.addInput(builder.freshName(`${parameter}/second`), type);
    const updated = appendAdam(builder, { parameter, gradient, first, second }, scalars, settings);
    parameters.set(parameter, { first, second, updated });
  }
  return parameters;
}
