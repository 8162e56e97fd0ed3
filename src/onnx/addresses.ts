import type { AddressedLayer, AddressTable, StructureDimension } from '../protocol/structure.js';
import {
  ambiguousPath,
  badPosition,
  noUnits,
  nothingSelected,
  unitOutOfRange,
  unknownLayer,
} from './addressErrors.js';
import { type Address, type AddressTail, formatAddress, parseAddress, parseTail } from './addressGrammar.js';

export {
  type Address,
  formatAddress,
  formatName,
  parseAddress,
  type Selector,
  withoutUnit,
  withUnit,
} from './addressGrammar.js';

/** Where an address leads: a value of the graph, and a place in it. */
export interface ResolvedAddress {
  /** The address in its shortest lasting form. */
  readonly address: string;
  readonly kind: 'layer' | 'head' | 'hidden';
  /** The layer, or for `head` and `hidden` the layer of that block, if the block is one. */
  readonly layer: AddressedLayer | undefined;
  /** Name of the layer or block. */
  readonly name: string;
  /** The value in the graph. */
  readonly value: string;
  /** Axis of the value that counts units: from the end (negative) where the rank is open; null where there is none. */
  readonly unitAxis: number | null;
  /** Null where the size is open. */
  readonly unitCount: number | null;
  /** Absent: all units. */
  readonly unit?: number;
  /** Coordinates on `positionAxes`; absent: all positions. */
  readonly position?: readonly number[];
  /** Axes that are neither batch nor units, in order; null where the rank is open. */
  readonly positionAxes: readonly number[] | null;
  /** Whether the value is inside an If, Loop or Scan body or a function. */
  readonly isInBody: boolean;
}

/**
 * Returns what an address means in a model; the longest existing layer name wins.
 *
 * @throws UserError `malformed-address`, `unknown-layer`, `ambiguous-layer`, `no-units`, `unit-out-of-range`,
 * `bad-position`, `nothing-selected`.
 */
export function resolveAddress(text: string, table: AddressTable): ResolvedAddress {
  const trimmed = text.trim();
  const address = trimmed.startsWith('"') ? parseAddress(trimmed) : longestName(trimmed, table);
  if (address.selector !== undefined) return select(address.layer, address.selector, { address, table });
  const layer = findLayer(address.layer, table);
  if (layer !== undefined) return place(layerSpot(layer, address), address);
  return shorthand(address, table) ?? byKeyword(address, table);
}

/** What an address leads to before unit and position are checked. */
interface Spot {
  readonly kind: ResolvedAddress['kind'];
  readonly layer: AddressedLayer | undefined;
  readonly name: string;
  /** How the address begins: the name with its selector. */
  readonly prefix: string;
  readonly value: string;
  readonly unitAxis: number | null;
  readonly unitCount: number | null;
  /** Why there are no units, where `unitAxis` is null. */
  readonly whyNoUnits: string;
  readonly shape: readonly StructureDimension[] | null;
  readonly batchAxis: number;
}

interface Asked {
  readonly address: Address;
  readonly table: AddressTable;
}

/** Splits unquoted text behind the longest layer name or path; without one, by the grammar alone. */
function longestName(text: string, table: AddressTable): Address {
  const paths = layersByPath(table);
  for (let end = text.length; end > 0; end--) {
    if (end < text.length && !':[@'.includes(text.charAt(end))) continue;
    const layer = text.slice(0, end);
    if (!table.byName.has(layer) && !paths.has(layer)) continue;
    const tail = parseTail(text.slice(end), layer);
    if (tail !== undefined) return { layer, ...tail };
  }
  return parseAddress(text);
}

const pathsByTable = new WeakMap<AddressTable, ReadonlyMap<string, readonly AddressedLayer[]>>();

/** Kept per table: a hover asks many times, of models with thousands of layers. */
function layersByPath(table: AddressTable): ReadonlyMap<string, readonly AddressedLayer[]> {
  const known = pathsByTable.get(table);
  if (known !== undefined) return known;
  const paths = new Map<string, AddressedLayer[]>();
  for (const layer of table.layers) {
    const same = paths.get(layer.path);
    if (same === undefined) paths.set(layer.path, [layer]);
    else same.push(layer);
  }
  pathsByTable.set(table, paths);
  return paths;
}

function findLayer(name: string, table: AddressTable): AddressedLayer | undefined {
  const known = table.byName.get(name);
  if (known !== undefined) return known;
  const byPath = layersByPath(table).get(name) ?? [];
  if (new Set(byPath.map((layer) => layer.output)).size > 1) {
    throw ambiguousPath(
      name,
      byPath.map((layer) => layer.name),
    );
  }
  return byPath[0];
}

function layerSpot(layer: AddressedLayer, { output = 0 }: AddressTail): Spot {
  const outputs = [layer.output, ...layer.furtherOutputs];
  const value = outputs[output];
  if (value === undefined) {
    const count =
      outputs.length === 1 ? 'one output, which needs no number' : `outputs 0 to ${outputs.length - 1}`;
    throw nothingSelected(`${layer.name}:${output}`, `"${layer.name}" has ${count}`);
  }
  const isFirst = output === 0;
  return {
    kind: 'layer',
    layer,
    name: layer.name,
    prefix: formatAddress({ layer: layer.name, ...(isFirst ? {} : { output }) }),
    value,
    unitAxis: isFirst ? layer.unitAxis : null,
    unitCount: isFirst ? layer.unitCount : null,
    whyNoUnits: isFirst ? whyNoUnits(layer) : 'which axis of a further output counts units is not known',
    shape: isFirst ? layer.shape : null,
    batchAxis: layer.batchAxis,
  };
}

function whyNoUnits({ kind, operator }: AddressedLayer): string {
  if (kind === 'classifier' || kind === 'regressor') {
    return `a ${operator} is one decision, not a row of units`;
  }
  if (kind === 'scope' || kind === 'block') {
    return 'no axis of what leaves it counts units; choose a layer inside';
  }
  return 'no axis of its output counts units, because none does so for the value that feeds it';
}

/** `L3N42` and `blocks.3.mlp.hook_post[..., 42]`: unit 42 of what enters the down projection of block 3. */
function shorthand(address: Address, table: AddressTable): ResolvedAddress | undefined {
  const short = /^L(\d{1,6})N(\d{1,9})$/u.exec(address.layer);
  const hook = /^blocks\.(\d{1,6})\.mlp\.hook_post$/u.exec(address.layer);
  const block = short?.[1] ?? hook?.[1];
  if (block === undefined) return undefined;
  const [mlp, other] = table.mlps.filter((candidate) => candidate.block === Number(block));
  if (mlp !== undefined && other !== undefined) {
    throw nothingSelected(
      address.layer,
      `block ${block} is in "${mlp.name}" and in "${other.name}"; write ${formatAddress({ layer: `${mlp.name}.hidden`, unit: 0 })} or the like`,
    );
  }
  if (mlp === undefined) {
    const blocks = table.mlps.map((candidate) => candidate.block).join(', ');
    throw nothingSelected(
      address.layer,
      blocks === '' ? 'no block with an MLP was recognised in it' : `it has MLPs in blocks ${blocks}`,
    );
  }
  const unit = short?.[2] === undefined ? address.unit : Number(short[2]);
  return select(mlp.name, 'hidden', {
    address: { ...address, ...(unit === undefined ? {} : { unit }) },
    table,
  });
}

/** `layer.head[i]` where no layer has that name. */
function byKeyword(address: Address, table: AddressTable): ResolvedAddress {
  const match = /^(.+)\.(head|expert|hidden|act)$/su.exec(address.layer);
  const names = table.layers.map((layer) => layer.name);
  if (match === null) throw unknownLayer(address.layer, names);
  const [, name = '', selector = ''] = match;
  return select(name, selector, { address, table });
}

function select(name: string, selector: string, { address, table }: Asked): ResolvedAddress {
  switch (selector) {
    case 'head':
      return place(headSpot(name, table), address);
    case 'hidden':
      return place(hiddenSpot(name, table), address);
    case 'act':
      return place(layerSpot(activationOf(name, table), {}), address);
    default:
      throw nothingSelected(`${name}.expert`, 'no mixture of experts was recognised in it');
  }
}

/** The block of this name, or the only one inside the scope of this name. */
function blockIn<T extends { readonly name: string }>(name: string, blocks: readonly T[]): T | undefined {
  const exact = blocks.find((block) => block.name === name);
  if (exact !== undefined) return exact;
  const inside = blocks.filter((block) => block.name.startsWith(`${name}.`));
  return inside.length === 1 ? inside[0] : undefined;
}

function missingBlock(name: string, what: string, asked: { keyword: string; table: AddressTable }): Error {
  const { keyword, table } = asked;
  const blocks = keyword === 'head' ? table.attentions : table.mlps;
  if (findLayer(name, table) === undefined && !blocks.some((block) => block.name.startsWith(`${name}.`))) {
    return unknownLayer(
      name,
      [...table.layers, ...blocks].map((layer) => layer.name),
    );
  }
  const found = blocks.slice(0, 5).map((block) => block.name);
  const reason = found.length === 0 ? `no ${what} was recognised in it` : `${what} is in ${found.join(', ')}`;
  return nothingSelected(`${name}.${keyword}`, reason);
}

function headSpot(name: string, table: AddressTable): Spot {
  const attention = blockIn(findLayer(name, table)?.name ?? name, table.attentions);
  if (attention === undefined) throw missingBlock(name, 'attention', { keyword: 'head', table });
  return {
    kind: 'head',
    layer: table.byName.get(attention.name),
    name: attention.name,
    prefix: keywordPrefix(attention.name, 'head', table),
    value: attention.probabilities,
    unitAxis: attention.headAxis,
    unitCount: attention.headCount,
    whyNoUnits: '',
    // Batch, heads, queries, keys: the rank is the operator's, the sizes are not needed.
    shape: null,
    batchAxis: 0,
  };
}

function hiddenSpot(name: string, table: AddressTable): Spot {
  const mlp = blockIn(findLayer(name, table)?.name ?? name, table.mlps);
  if (mlp === undefined) throw missingBlock(name, 'an MLP', { keyword: 'hidden', table });
  // What enters the down projection has its rank and positions.
  const leaving = table.byName.get(mlp.downProjection)?.shape ?? null;
  return {
    kind: 'hidden',
    layer: table.byName.get(mlp.name),
    name: mlp.name,
    prefix: keywordPrefix(mlp.name, 'hidden', table),
    value: mlp.hidden,
    unitAxis: leaving === null ? -1 : leaving.length - 1,
    unitCount: mlp.unitCount,
    whyNoUnits: '',
    shape: leaving === null ? null : [...leaving.slice(0, -1), mlp.unitCount],
    batchAxis: 0,
  };
}

function activationOf(name: string, table: AddressTable): AddressedLayer {
  const layer = findLayer(name, table);
  if (layer === undefined) {
    throw unknownLayer(
      name,
      table.layers.map((candidate) => candidate.name),
    );
  }
  if (layer.states.kind === 'not-judged') throw nothingSelected(`${name}.act`, layer.states.reason);
  const activation = table.byName.get(layer.states.layer);
  if (activation === undefined) throw new Error(`The activation ${layer.states.layer} is no layer.`);
  return activation;
}

/** With a dot, as it reads best, unless a layer has that very name. */
function keywordPrefix(name: string, selector: 'head' | 'hidden', table: AddressTable): string {
  const dotted = `${name}.${selector}`;
  return table.byName.has(dotted)
    ? formatAddress({ layer: name, selector })
    : formatAddress({ layer: dotted });
}

function place(spot: Spot, { unit, position }: Address): ResolvedAddress {
  const { kind, layer, name, prefix, value, unitAxis, unitCount } = spot;
  if (unit !== undefined) {
    if (unitAxis === null) throw noUnits(prefix, spot.whyNoUnits);
    if (unitCount !== null && unit >= unitCount) throw unitOutOfRange(prefix, unit, unitCount);
  }
  const positionAxes = positionAxesOf(spot);
  if (position !== undefined) checkPosition(position, spot, positionAxes);
  const suffix = `${unit === undefined ? '' : `[${unit}]`}${position === undefined ? '' : `@${position.join(',')}`}`;
  return {
    address: prefix + suffix,
    kind,
    layer,
    name,
    value,
    unitAxis,
    unitCount,
    ...(unit === undefined ? {} : { unit }),
    ...(position === undefined ? {} : { position }),
    positionAxes,
    isInBody: layer?.isInBody ?? false,
  };
}

function positionAxesOf({ shape, unitAxis, batchAxis, kind }: Spot): readonly number[] | null {
  if (kind === 'head') return [0, 1, 2, 3].filter((axis) => axis !== batchAxis && axis !== unitAxis);
  if (shape === null) return null;
  const rank = shape.length;
  const units = unitAxis !== null && unitAxis < 0 ? unitAxis + rank : unitAxis;
  return shape.map((_, axis) => axis).filter((axis) => axis !== batchAxis && axis !== units);
}

function checkPosition(position: readonly number[], spot: Spot, axes: readonly number[] | null): void {
  if (axes === null) return;
  if (axes.length !== position.length) {
    const reason =
      axes.length === 0
        ? 'its units have no positions'
        : `its units have positions of ${axes.length} coordinate${axes.length === 1 ? '' : 's'}`;
    throw badPosition(spot.prefix, position, reason);
  }
  axes.forEach((axis, index) => {
    const size = spot.shape?.[axis];
    const coordinate = position[index] ?? 0;
    if (typeof size !== 'number' || (coordinate < size && coordinate >= -size)) return;
    throw badPosition(
      spot.prefix,
      position,
      `that axis has ${size} elements (0 to ${size - 1}, or -1 from the end)`,
    );
  });
}
