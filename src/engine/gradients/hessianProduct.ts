import type { Model } from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { differentiate } from './differentiate.js';
import { extendTypes } from './extendTypes.js';
import type { Tangent } from './forwardMode.js';
import type { GradientRule, Seed } from './gradientRule.js';
import { madeBy, withoutDead } from './liveNodes.js';

/** Whose second derivative is wanted, and along what. */
export interface HessianRequest {
  /** The scalar function: Σ ⟨cotangent, value⟩ with cotangents that do not depend on the directions' values. */
  readonly seeds: readonly Seed[];
  /** Directions v, shaped like their values. */
  readonly directions: readonly Tangent[];
  /** Values whose part of H·v is wanted; default those of the directions. */
  readonly wrt?: readonly string[];
  /** Types of the model's values; ranks must be known. */
  readonly types: TypeTable;
  readonly rules?: readonly GradientRule[];
}

/** A model that also computes H·v. */
export interface HessianProduct {
  /** The given model with nodes appended; no new outputs. */
  readonly model: Model;
  /** Name of H·v per `wrt` value; one along which the gradient does not change is missing. */
  readonly products: ReadonlyMap<string, string>;
}

/**
 * Returns the model with Hessian-vector products H·v = ∇⟨∇f, v⟩ of f = Σ_seeds ⟨cotangent, value⟩ appended.
 *
 * Where f is piecewise linear (ReLU, maxima) the second derivative is 0, as if the kinks were not there.
 *
 * @throws UserError `gradient-rule-missing`, `gradient-needs-shape`, `gradient-form-unsupported`.
 */
export function hessianProduct(model: Model, request: HessianRequest): HessianProduct {
  const { seeds, directions, rules = [] } = request;
  const moving = directions.map(({ value }) => value);
  const first = differentiate(model, { seeds, wrt: moving, types: request.types, rules });
  const along = directions.flatMap(({ value, tangent }) => {
    const gradient = first.gradients.get(value);
    return gradient === undefined ? [] : [{ value: gradient, cotangent: tangent }];
  });
  const types = extendTypes(first.model, request.types);
  const second = differentiate(first.model, { seeds: along, wrt: request.wrt ?? moving, types });
  const read = second.gradients.values();
  return { model: withoutDead(second.model, { own: madeBy(model), read }), products: second.gradients };
}
