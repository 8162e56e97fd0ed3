import { UserError } from '../../../base/errors.js';
import { neededNames } from '../../../engine/rewrites/prune.js';
import { type ResolvedAddress, resolveAddress } from '../../../onnx/addresses.js';
import type { Layer } from '../../../onnx/layers/layer.js';
import { layersOf } from '../../../onnx/layers/layerTable.js';
import type { Model } from '../../../onnx/model.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import type { LayerKind } from '../../../protocol/inspection.js';
import { pooledMaps } from './pooledMaps.js';
import type { AttributionSettings } from './settings.js';

/** A layer's value in the main graph. */
export interface Place {
  readonly name: string;
  readonly value: string;
  /** Axis of its units, row axis counted; negative from the end, undefined where none counts units. */
  readonly unitAxis: number | undefined;
}

/** A unit of a layer, at one position or all of them. */
export interface UnitPlace extends Place {
  /** The address in its lasting form. */
  readonly address: string;
  readonly unitAxis: number;
  readonly unit: number;
  readonly position: readonly number[] | undefined;
}

/** The places that settings name. */
export interface Places {
  readonly layer: Place | undefined;
  readonly neuron: UnitPlace | undefined;
  readonly through: UnitPlace | undefined;
}

/**
 * Resolves `layer`, `neuron` and `through`; where maps are weighted the default layer is the last before the explained value that has
 * spatial positions.
 *
 * @throws UserError when an address is unknown, malformed, inside a body, or names the wrong kind of thing.
 */
export function placesOf(
  model: Model,
  types: TypeTable,
  options: {
    readonly settings: Pick<AttributionSettings, 'layer' | 'neuron' | 'through'>;
    readonly explainedValue: string;
    readonly weightsMaps: boolean;
    readonly readsPooledMaps: boolean;
  },
): Places {
  const { layer, neuron, through } = options.settings;
  const table = layersOf(model, types);
  const resolve = (text: string): ResolvedAddress => outsideBodies(resolveAddress(text, table));
  const unit = neuron === null ? undefined : unitPlace('neuron', resolve(neuron));
  const before = unit?.value ?? options.explainedValue;
  const defaultLayer = (): Place | undefined => {
    if (options.readsPooledMaps) return pooledMaps(model, types, { before, layers: table.layers });
    if (!options.weightsMaps) return undefined;
    return lastSpatialLayer(table.layers, types, neededNames(model.graph, [before]));
  };
  return {
    layer: layer === null ? defaultLayer() : layerPlace(resolve(layer)),
    neuron: unit,
    through: through === null ? undefined : unitPlace('through', resolve(through)),
  };
}

function layerPlace(resolved: ResolvedAddress): Place {
  if (resolved.unit !== undefined || resolved.position !== undefined) {
    throw new UserError(
      'layer-is-unit',
      `layer=${resolved.address} names one unit. Name the whole layer (${resolved.name}), or explain the unit with neuron=${resolved.address}.`,
      { detail: { address: resolved.address } },
    );
  }
  return { name: resolved.name, value: resolved.value, unitAxis: resolved.unitAxis ?? undefined };
}

function unitPlace(setting: string, resolved: ResolvedAddress): UnitPlace {
  const { address, name, value, unit, unitAxis, position } = resolved;
  if (unit === undefined || unitAxis === null) {
    throw new UserError(
      'not-a-unit',
      `${setting}=${address} names no single unit. Add its number, e.g. ${setting}=${name}[0].`,
      { detail: { address } },
    );
  }
  return { address, name, value, unit, unitAxis, position };
}

function outsideBodies(resolved: ResolvedAddress): ResolvedAddress {
  if (!resolved.isInBody) return resolved;
  throw new UserError(
    'place-in-body',
    `${resolved.address} is inside an If, Loop or Scan body or a function, where nothing can be attributed yet. Choose a layer of the main graph.`,
    { detail: { address: resolved.address } },
  );
}

/** Kinds whose values are feature maps; scopes and blocks repeat the value of a layer inside. */
const mapKinds: ReadonlySet<LayerKind> = new Set<LayerKind>(['conv', 'activation', 'normalization']);

/** The last layer of images (four axes and more), else of sequences (three), that the explained value depends on. */
function lastSpatialLayer(
  layers: readonly Layer[],
  types: TypeTable,
  upstream: ReadonlySet<string>,
): Place | undefined {
  const rankOf = ({ output, unitAxis }: Layer): number => {
    const type = types.get(output);
    const shape = type?.kind === 'tensor' ? (type.shape ?? []) : [];
    const units = unitAxis !== null && unitAxis < 0 ? unitAxis + shape.length : unitAxis;
    // After global pooling one position is left: nothing to tell apart.
    const hasPositions = shape.some((size, axis) => axis > 0 && axis !== units && size !== 1);
    return hasPositions ? shape.length : 0;
  };
  const maps = layers.filter(
    (layer) =>
      mapKinds.has(layer.kind) && !layer.isInBody && layer.unitAxis !== null && upstream.has(layer.output),
  );
  const found = maps.findLast((layer) => rankOf(layer) >= 4) ?? maps.findLast((layer) => rankOf(layer) === 3);
  if (found === undefined) return undefined;
  return { name: found.name, value: found.output, unitAxis: found.unitAxis ?? undefined };
}
