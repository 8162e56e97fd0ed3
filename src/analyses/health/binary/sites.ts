import { UserError } from '../../../base/errors.js';
import type { GraphView } from '../../../onnx/layers/graphView.js';
import type { Layer } from '../../../onnx/layers/layer.js';
import { layersOf } from '../../../onnx/layers/layerTable.js';
import type { GraphNode } from '../../../onnx/model.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import type { AnalysisContext } from '../../analysis.js';
import { concreteTypes, firstBatch, planTarget, sizesOf, type TargetFacts } from '../../shared/targetPlan.js';
import { maskInputOf, type SweepTarget } from '../../shared/targetTap.js';

/** A place where a real number becomes one bit: whether `value`, less its threshold, is above 0. */
export interface BinarySite {
  /** The layer's name, numbered where the layer is binarised more than once: what arrays are called by. */
  readonly name: string;
  /** The layer whose outputs are binarised. */
  readonly layer: string;
  /** `Sign`, `Greater`, …. */
  readonly operator: string;
  /** The real numbers, [N, C, …] or [N, U]. */
  readonly target: SweepTarget;
  /** What is taken from them first: a constant, or a value that the model computes; undefined for 0. */
  readonly threshold: string | undefined;
  /** Whether the model computes the threshold anew for every instance. */
  readonly isInstanceAware: boolean;
  /** Whether a bit is 1 under the threshold, and whether it is 1 at the threshold itself. */
  readonly isBelow: boolean;
  readonly includesEqual: boolean;
}

/** The places that can be measured, and why others cannot. */
export interface BinarySites {
  readonly sites: readonly BinarySite[];
  readonly warnings: readonly string[];
}

type Found = Pick<BinarySite, 'operator' | 'threshold' | 'isInstanceAware' | 'isBelow' | 'includesEqual'> & {
  readonly value: string;
  /** What is binarised where the threshold turns out not to be one per channel. */
  readonly whole?: string;
};

/** Comparisons of a value with a threshold on their right. */
const comparisons: Readonly<Record<string, Pick<BinarySite, 'isBelow' | 'includesEqual'>>> = {
  Greater: { isBelow: false, includesEqual: false },
  GreaterOrEqual: { isBelow: false, includesEqual: true },
  Less: { isBelow: true, includesEqual: false },
  LessOrEqual: { isBelow: true, includesEqual: true },
};

/** Steps between a layer and its binarisation. */
const maxSteps = 8;

/**
 * Returns where the main graph binarises what its layers compute: Sign, or a comparison with a constant that is cast to numbers
 * or chooses between two constants.
 *
 * A threshold that the graph computes for each sample and channel, and takes from the value before Sign, is known as such.
 *
 * @throws UserError `no-binary-layers` when there is none.
 */
export async function binarySitesOf(context: AnalysisContext): Promise<BinarySites> {
  const { model, data } = context;
  const first = data === undefined ? undefined : await firstBatch(context, data);
  if (first === undefined || data === undefined) throw noBinaryLayers(model.file.path, []);
  const symbolic = inferTypes(model, { keepsUnnamed: true });
  const table = layersOf(model, symbolic);
  const view = table.views.find(({ isInBody }) => !isInBody);
  const found = view === undefined ? [] : view.graph.nodes.flatMap((node) => foundAt(view, node));
  const byOutput = new Map(table.layers.map((layer) => [layer.output, layer]));
  const { feeds, rowCount } = first;
  const values = found.flatMap(({ value, threshold, whole }) => [value, threshold, whole]);
  const types = await concreteTypes(
    context,
    feeds,
    values.filter((value) => value !== undefined),
  );
  const facts = { model, types, symbolic, feeds, rowCount, maskInput: maskInputOf(data) };
  const planned = found.flatMap((each): (BinarySite | string)[] => {
    const layer = view === undefined ? undefined : layerBehind(each.value, view, byOutput);
    return layer === undefined ? [] : [siteOf(each, layer, facts)];
  });
  const sites = planned.filter((site) => typeof site !== 'string');
  const warnings = planned.filter((site) => typeof site === 'string');
  if (sites.length === 0) throw noBinaryLayers(model.file.path, warnings);
  return { sites: numbered(sites), warnings };
}

/** Returns the site of a binarisation behind a layer, or a sentence that says why there is none. */
function siteOf(found: Found, layer: Layer, facts: TargetFacts): BinarySite | string {
  const rank = sizesOf(facts.types.get(found.value))?.length ?? 0;
  const unitAxis = layer.unitAxis ?? (rank >= 4 ? 1 : -1);
  const { value, operator, threshold, isInstanceAware, isBelow, includesEqual } = withKnownThreshold(
    found,
    unitAxis,
    facts.types,
  );
  const { name } = layer;
  const target = planTarget(
    { name, output: value, unitAxis, isInBody: false, input: null, family: null },
    facts,
  );
  if (typeof target === 'string' || target.rowsPerSample > 1) {
    const why = typeof target === 'string' ? target : 'its positions are folded into the batch';
    return `${operator} behind ${name} was not measured: ${why}.`;
  }
  return { name, layer: name, operator, target, threshold, isInstanceAware, isBelow, includesEqual };
}

/** Gives the second and further sites of a layer names of their own. */
function numbered(sites: readonly BinarySite[]): BinarySite[] {
  const counts = new Map<string, number>();
  return sites.map((site) => {
    const count = counts.get(site.layer) ?? 0;
    counts.set(site.layer, count + 1);
    return count === 0 ? site : { ...site, name: `${site.layer}_${String(count)}` };
  });
}

/** A threshold computed per sample and channel is one; any other difference of two values is what is binarised. */
function withKnownThreshold(found: Found, unitAxis: number, types: TypeTable): Found {
  const { threshold, whole } = found;
  if (whole === undefined || threshold === undefined) return found;
  const [dims = [], own = []] = [sizesOf(types.get(threshold)), sizesOf(types.get(found.value))];
  const axis = unitAxis < 0 ? unitAxis + own.length : unitAxis;
  const isPerChannel =
    own.length > 2 &&
    dims.length === own.length &&
    dims.every((size, at) => at === 0 || at === axis || size === 1);
  return isPerChannel ? found : { ...found, value: whole, threshold: undefined, isInstanceAware: false };
}

function foundAt(view: GraphView, node: GraphNode): Found[] {
  const [value = '', right = ''] = node.inputs;
  if (node.opType === 'Sign') {
    if (view.constants.has(value)) return [];
    const sign = { operator: 'Sign', isBelow: false, includesEqual: false };
    const before = view.index.producerOf(value);
    const [minuend = '', subtrahend = ''] = before?.opType === 'Sub' ? before.inputs : [];
    const isComputed = minuend !== '' && !view.constants.has(minuend) && !view.constants.has(subtrahend);
    return isComputed
      ? [{ ...sign, value: minuend, threshold: subtrahend, whole: value, isInstanceAware: true }]
      : [{ ...sign, value, threshold: undefined, isInstanceAware: false }];
  }
  const comparison = comparisons[node.opType];
  if (comparison === undefined || view.constants.has(value) || !view.constants.has(right)) return [];
  const readers = view.index.consumersOf(node.outputs[0] ?? '');
  const isBinarised = readers.some(
    (reader) =>
      reader.opType === 'Cast' ||
      (reader.opType === 'Where' && reader.inputs.slice(1).every((input) => view.constants.has(input))),
  );
  if (!isBinarised) return [];
  return [{ ...comparison, operator: node.opType, value, threshold: right, isInstanceAware: false }];
}

function layerBehind(
  value: string,
  view: GraphView,
  byOutput: ReadonlyMap<string, Layer>,
): Layer | undefined {
  let name: string | undefined = value;
  for (let step = 0; step < maxSteps && name !== undefined; step++) {
    const layer = byOutput.get(name);
    if (layer !== undefined && layer.kind !== 'scope') return layer;
    name = view.index.producerOf(name)?.inputs.find((input) => !view.constants.has(input));
  }
  return undefined;
}

function noBinaryLayers(path: string, warnings: readonly string[]): UserError {
  return new UserError(
    'no-binary-layers',
    `${path} has no layer whose outputs become single bits: Sign, or a comparison with a constant whose result is cast or chooses between two constants.${warnings.length === 0 ? '' : ` ${warnings.join(' ')}`} Choose a binarised network with data.`,
    { detail: { path } },
  );
}
