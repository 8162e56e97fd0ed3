import { UserError } from '../../../base/errors.js';
import { differentiate } from '../../../engine/gradients/differentiate.js';
import type { Seed } from '../../../engine/gradients/gradientRule.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import type { BackwardPass, BackwardResult } from '../../../engine/relevance/backwardPass.js';
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
  /** How scores go backwards (default by derivatives). */
  readonly backward?: BackwardPass | undefined;
}

/** A pruned graph and the names of what it computes. */
export interface FieldGraph {
  readonly model: Model;
  /** f per point. */
  readonly selected: string;
  /** Values of the sites. */
  readonly values: readonly string[];
  /** Gradients at the sites, or what another backward pass brings there; empty in the forward graph. */
  readonly gradients: readonly string[];
  /** Input name per coordinate, then per coordinate of the reference where the backward pass takes one. */
  readonly inputNames: readonly string[];
  /** Sums per point that the backward pass keeps. */
  readonly terms: readonly string[];
  /** Operators that the backward pass has no rule for. */
  readonly withoutRule: readonly string[];
}

/** The graphs of a field. */
export interface FieldPlan {
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
  const { inputNames } = cut;
  return {
    forward: finish({ ...plainResult(base, new Map()), sites, selected: selected.selected, inputNames }),
    backward: () => {
      const result = backwardOf(base, request, { sites, selected, inputNames });
      return finish({
        ...result,
        sites,
        selected: selected.selected,
        inputNames: [...inputNames, ...result.references],
        gradients: sites.map((site) => scoresAt(result, site, request.selection.value)),
      });
    },
  };
}

/** Between which values of a cut model gradients go. */
export interface BackwardRoute {
  readonly sites: readonly string[];
  readonly selected: SelectedValues;
  readonly inputNames: readonly string[];
}

type WayBack = Pick<PlanRequest, 'types' | 'selection' | 'gate' | 'backward'>;

/** Appends the way back from f to the sites, through the gate where there is one. */
export function backwardOf(base: Model, request: WayBack, route: BackwardRoute): BackwardResult {
  const seed = { value: request.selection.value, cotangent: route.selected.cotangent };
  const { gate } = request;
  if (gate === undefined) return from(base, seed, request, route);
  const toGate = from(base, seed, request, { ...route, sites: [gate.value] });
  const builder = new GraphBuilder(toGate.model);
  const masked = builder.node('Mul', [scoresAt(toGate, gate.value, seed.value), unitMask(builder, gate)]);
  return from(builder.build(), { value: gate.value, cotangent: masked }, request, route);
}

function from(model: Model, seed: Seed, request: WayBack, route: BackwardRoute): BackwardResult {
  const { types, backward } = request;
  const wanted = { seeds: [seed], wrt: route.sites, types };
  if (backward !== undefined) return backward.append(model, { ...wanted, coordinates: route.inputNames });
  const result = differentiate(model, wanted);
  return plainResult(result.model, result.gradients);
}

function plainResult(model: Model, scores: ReadonlyMap<string, string>): BackwardResult {
  return { model, scores, references: [], terms: [], withoutRule: [] };
}

function scoresAt({ scores }: BackwardResult, site: string, explained: string): string {
  const found = scores.get(site);
  if (found !== undefined) return found;
  throw notConnected(explained, site);
}

/** Returns the error for a value that the explained one does not depend on through gradients. */
export function notConnected(explained: string, site: string): UserError {
  return new UserError(
    'not-connected',
    `The explained value ${explained} does not depend on ${site} through operators that have gradients, so nothing can be shared out over it. Choose a layer or input that comes before it, or method=occlusion, which needs no gradients.`,
    { detail: { site, value: explained } },
  );
}

function finish(
  made: BackwardResult & {
    readonly selected: string;
    readonly sites: readonly string[];
    readonly inputNames: readonly string[];
    readonly gradients?: readonly string[];
  },
): FieldGraph {
  const { selected, inputNames, withoutRule } = made;
  const builder = new GraphBuilder(made.model);
  const asFloat32 = (name: string): string => builder.cast(name, float32Code);
  const values = made.sites.map(asFloat32);
  const gradients = (made.gradients ?? []).map(asFloat32);
  const terms = made.terms.map(asFloat32);
  const outputs = [selected, ...values, ...gradients, ...terms];
  builder.setOutputs(outputs);
  return {
    model: prune(builder.build(), outputs),
    selected,
    values,
    gradients,
    terms,
    inputNames,
    withoutRule,
  };
}
