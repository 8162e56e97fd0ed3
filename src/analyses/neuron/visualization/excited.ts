import { UserError } from '../../../base/errors.js';
import { readArrays } from '../../../data/readArrays.js';
import type { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { neededNames } from '../../../engine/rewrites/prune.js';
import { formatAddress, resolveAddress, type ResolvedAddress } from '../../../onnx/addresses.js';
import { layersOf } from '../../../onnx/layers/layerTable.js';
import type { Model } from '../../../onnx/model.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import { float32Tensor, toFloat64 } from '../../../onnx/tensorValue.js';
import { defaultUnitCount, type VisualizationSettings } from './settings.js';

/** What is excited: a unit, one position of it, a layer, or a direction in a layer. */
export interface Excited {
  /** What it is called; its address where it has one. */
  readonly name: string;
  /** Address of the unit, or of the layer that the direction is in. */
  readonly address: string;
  readonly place: ResolvedAddress;
  /** Over the layer's units. */
  readonly direction?: Float64Array;
}

/**
 * Returns what the settings name, by default the first units of the last layer that depends on the input.
 *
 * @throws UserError as `resolveAddress` does, `not-excitable` with the reason, `no-layers`, `direction-unreadable`.
 */
export async function readExcited(
  model: Model,
  input: string,
  { units, direction }: Pick<VisualizationSettings, 'units' | 'direction'>,
): Promise<readonly Excited[]> {
  const table = layersOf(model, inferTypes(model, { keepsUnnamed: true }));
  const dependsOn = (value: string): boolean => neededNames(model.graph, [value]).has(input);
  const texts = units?.split(/,(?=\s*["\p{L}_/])/u) ?? firstUnits(table, dependsOn);
  const excited = texts.map((text): Excited => {
    const place = resolveAddress(text, table);
    const { address } = place;
    if (place.isInBody) throw notExcitable(address, 'it is inside an If, Loop or Scan body or a function');
    if ((place.layer?.batchAxis ?? 0) !== 0) {
      throw notExcitable(address, 'its first axis does not count samples');
    }
    if (!dependsOn(place.value)) throw notExcitable(address, `it does not depend on the input ${input}`);
    return { name: address, address, place };
  });
  return direction === null ? excited : readDirections(direction, excited, units !== null);
}

function firstUnits(
  { layers }: ReturnType<typeof layersOf>,
  dependsOn: (value: string) => boolean,
): readonly string[] {
  const last = layers.findLast(
    ({ kind, isInBody, unitCount, output }) =>
      kind !== 'scope' && !isInBody && unitCount !== null && dependsOn(output),
  );
  if (last === undefined) {
    throw new UserError(
      'no-layers',
      'This model has no layer with units that depends on its input. Set units to an address that inspect lists.',
    );
  }
  const count = Math.min(defaultUnitCount, last.unitCount ?? 0);
  return Array.from({ length: count }, (_, unit) => formatAddress({ layer: last.name, unit }));
}

async function readDirections(
  path: string,
  excited: readonly Excited[],
  isNamed: boolean,
): Promise<readonly Excited[]> {
  const [layer, ...more] = excited;
  const unitCount = layer?.place.unitCount ?? null;
  if (
    !isNamed ||
    layer === undefined ||
    more.length > 0 ||
    layer.place.unit !== undefined ||
    unitCount === null
  ) {
    throw badDirection(path, 'a direction needs one layer with units to be in. Set units to its name');
  }
  const arrays = await readArrays(path, {
    setting: 'direction',
    code: 'direction-unreadable',
    forms: 'the path of an .npy or .npz file',
    npyName: 'direction',
  });
  const found = [...arrays].flatMap(([name, value]) => {
    if (value.dims.length > 2 || value.dims.at(-1) !== unitCount) {
      throw badDirection(
        path,
        `"${name}" has shape [${value.dims.join(', ')}], and ${layer.address} has ${String(unitCount)} units. Give [${String(unitCount)}], or [K, ${String(unitCount)}] for K directions`,
      );
    }
    const numbers = toFloat64(value);
    const count = numbers.length / unitCount;
    return Array.from({ length: count }, (_, row) => ({
      ...layer,
      name: `${layer.address} along ${name}${count === 1 ? '' : ` ${String(row)}`}`,
      direction: numbers.slice(row * unitCount, (row + 1) * unitCount),
    }));
  });
  if (found.length === 0) throw badDirection(path, 'it holds no vector. Give one');
  return found;
}

/** Appends what is excited, [N]: summed over its positions, or the mean square of a layer. */
export function appendActivation(builder: GraphBuilder, { place, direction }: Excited): string {
  const { value, unit, unitAxis, position, positionAxes } = place;
  const float = builder.cast(value, 1);
  const sum = (part: string): string =>
    builder.reduce('ReduceSum', builder.node('Flatten', [part], { attributes: { axis: 1 } }), [1], false);
  if (direction !== undefined && unitAxis !== null) {
    // An axis counted from the end says itself how many axes follow; one from the start means that all are known.
    const following = unitAxis < 0 ? -unitAxis - 1 : (positionAxes?.length ?? 0) + 1 - unitAxis;
    const dims = [direction.length, ...new Array<number>(following).fill(1)];
    const along = builder.constant(float32Tensor(Float32Array.from(direction), dims), 'ni/direction');
    return sum(builder.node('Mul', [float, along]));
  }
  if (unit === undefined || unitAxis === null) {
    const flat = builder.node('Flatten', [float], { attributes: { axis: 1 } });
    return builder.reduce('ReduceMean', builder.node('Mul', [flat, flat]), [1], false);
  }
  const starts = [unit, ...(position ?? [])];
  const axes = [unitAxis, ...(position === undefined ? [] : (positionAxes ?? []))];
  // −1 is the last place: its end is that of the axis.
  const ends = starts.map((start) => (start === -1 ? 2 ** 31 - 1 : start + 1));
  return sum(builder.node('Slice', [float, ...[starts, ends, axes].map((each) => builder.int64s(each))]));
}

/** Returns an error that says why an address cannot be excited. */
export function notExcitable(address: string, reason: string): UserError {
  return new UserError('not-excitable', `${address} cannot be excited: ${reason}. Choose another unit.`, {
    detail: { address },
  });
}

function badDirection(path: string, reason: string): UserError {
  return new UserError('direction-unreadable', `direction=${path} cannot be used: ${reason}.`, {
    detail: { path },
  });
}
