import type { Model } from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { differentiate } from './differentiate.js';
import { Emitter } from './emitter.js';
import { extendTypes } from './extendTypes.js';
import type { GradientRule } from './gradientRule.js';
import { madeBy, withoutDead } from './liveNodes.js';

/** A value and the name of its tangent (its rate of change), which exists in the graph and has its shape. */
export interface Tangent {
  readonly value: string;
  readonly tangent: string;
}

/** Which values move, and whose rate of change is wanted. */
export interface ForwardRequest {
  readonly tangents: readonly Tangent[];
  /** Float values of the main graph. */
  readonly outputs: readonly string[];
  /** Types of the model's values; ranks must be known. */
  readonly types: TypeTable;
  /** Rules that take precedence over the gradient's own. */
  readonly rules?: readonly GradientRule[];
}

/** A model that also computes how its outputs move. */
export interface ForwardDerivative {
  /** The given model with nodes appended; no new outputs. */
  readonly model: Model;
  /** Name of the tangent per output; one that no moving value reaches is missing. */
  readonly tangents: ReadonlyMap<string, string>;
}

/**
 * Returns the model with Jacobian-vector products Σ_values (∂output/∂value)·tangent appended: forward mode.
 *
 * Every reverse rule is linear in the cotangent u: it appends Jᵀu. So ⟨Jᵀu, v⟩ = ⟨u, Jv⟩, and Jv is the gradient of the
 * left side by u, whatever u is: reverse mode twice, by one table of rules. The nodes that only Jᵀu needs are dropped
 * again; what is left costs about as much as the model itself.
 *
 * @throws UserError `gradient-rule-missing`, `gradient-needs-shape`, `gradient-form-unsupported`.
 */
export function pushForward(model: Model, request: ForwardRequest): ForwardDerivative {
  const { outputs, rules = [] } = request;
  const builder = new GraphBuilder(model);
  const seeds = outputs.map((value) => ({ value, cotangent: zerosLike(builder, value, request.types) }));
  const wrt = request.tangents.map(({ value }) => value);
  const reverse = differentiate(builder.build(), { seeds, wrt, types: request.types, rules });
  const types = extendTypes(reverse.model, request.types);
  const moved = request.tangents.flatMap(({ value, tangent }) => {
    const gradient = reverse.gradients.get(value);
    return gradient === undefined ? [] : [{ value: gradient, cotangent: tangent }];
  });
  const dummies = seeds.map(({ cotangent }) => cotangent);
  // Other rule sets are those of a reverse pass; what they append is differentiated as it is.
  const twice = differentiate(reverse.model, { seeds: moved, wrt: dummies, types });
  const tangents = new Map<string, string>();
  for (const { value, cotangent } of seeds) {
    const tangent = twice.gradients.get(cotangent);
    if (tangent !== undefined) tangents.set(value, tangent);
  }
  return { model: withoutDead(twice.model, { own: madeBy(model), read: tangents.values() }), tangents };
}

function zerosLike(builder: GraphBuilder, value: string, types: TypeTable): string {
  const type = types.get(value);
  const emit = new Emitter(builder, type?.kind === 'tensor' ? type.elementType : 'float32');
  return emit.zeros(emit.shape(value));
}
