import { UserError } from '../../../base/errors.js';
import { differentiate } from '../../../engine/gradients/differentiate.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import type { Model } from '../../../onnx/model.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import { type CutValue, cutAt } from './cut.js';
import { addSelection, type Selection, type SelectedValues, unitMask } from './selection.js';

/** A unit that gradients must pass through. */
export interface Gate {
  readonly value: string;
  readonly axis: number;
  readonly unit: number;
  /** Shape of the value, row axis included. */
  readonly dims: readonly number[];
  readonly position: readonly number[] | undefined;
}

/** Which graph a field needs. */
export interface PlanRequest {
  readonly model: Model;
  readonly types: TypeTable;
  readonly selection: Selection;
  /** Values whose elements are the coordinates of a point. */
  readonly coordinates: readonly CutValue[];
  /** Values at which gradients are taken (default the coordinates). */
  readonly sites?: readonly string[];
  readonly gate?: Gate | undefined;
}

/** A pruned graph and the names of what it computes. */
export interface FieldGraph {
  readonly model: Model;
  /** f per point. */
  readonly selected: string;
  /** Values of the sites. */
  readonly values: readonly string[];
  /** Gradients at the sites; empty in the forward graph. */
  readonly gradients: readonly string[];
}

/** The graphs of a field. */
export interface FieldPlan {
  /** Input name per coordinate. */
  readonly inputNames: readonly string[];
  readonly forward: FieldGraph;
  backward(): FieldGraph;
}

const float32Code = 1;

/** Rewrites the model into graphs that compute f, the sites' values and f's gradients from the coordinates. */
export function planField(request: PlanRequest): FieldPlan {
  const cut = cutAt(request.model, request.coordinates);
  const builder = new GraphBuilder(cut.model);
  const selected = addSelection(builder, request.selection);
  const base = builder.build();
  const sites = request.sites ?? request.coordinates.map(({ value }) => value);
  return {
    inputNames: cut.inputNames,
    forward: finish(base, { selected: selected.selected, sites, gradients: [] }),
    backward: () => {
      const { model, gradients } = gradientsAt(base, request, { sites, selected });
      return finish(model, { selected: selected.selected, sites, gradients });
    },
  };
}

function gradientsAt(
  base: Model,
  request: PlanRequest,
  what: { readonly sites: readonly string[]; readonly selected: SelectedValues },
): { readonly model: Model; readonly gradients: readonly string[] } {
  const seed = { value: request.selection.value, cotangent: what.selected.cotangent };
  const { gate, types } = request;
  if (gate === undefined) return backward(base, { seed, wrt: what.sites, types });
  const toGate = backward(base, { seed, wrt: [gate.value], types });
  const builder = new GraphBuilder(toGate.model);
  const masked = builder.node('Mul', [toGate.gradients[0] ?? '', unitMask(builder, gate)]);
  return backward(builder.build(), {
    seed: { value: gate.value, cotangent: masked },
    wrt: what.sites,
    types,
  });
}

function backward(
  model: Model,
  request: {
    readonly seed: { readonly value: string; readonly cotangent: string };
    readonly wrt: readonly string[];
    readonly types: TypeTable;
  },
): { readonly model: Model; readonly gradients: readonly string[] } {
  const { seed, wrt, types } = request;
  if (wrt.includes(seed.value)) return { model, gradients: wrt.map(() => seed.cotangent) };
  const result = differentiate(model, { seeds: [seed], wrt, types });
  const gradients = wrt.map((site) => {
    const gradient = result.gradients.get(site);
    if (gradient !== undefined) return gradient;
    throw new UserError(
      'not-connected',
      `The explained value ${seed.value} does not depend on ${site} through operators that have gradients, so nothing can be shared out over it. Choose a layer or input that comes before it, or method=occlusion, which needs no gradients.`,
      { detail: { site, value: seed.value } },
    );
  });
  return { model: result.model, gradients };
}

function finish(
  model: Model,
  names: {
    readonly selected: string;
    readonly sites: readonly string[];
    readonly gradients: readonly string[];
  },
): FieldGraph {
  const builder = new GraphBuilder(model);
  const asFloat32 = (name: string): string => builder.cast(name, float32Code);
  const values = names.sites.map(asFloat32);
  const gradients = names.gradients.map(asFloat32);
  const outputs = [names.selected, ...values, ...gradients];
  builder.setOutputs(outputs);
  return { model: prune(builder.build(), outputs), selected: names.selected, values, gradients };
}
