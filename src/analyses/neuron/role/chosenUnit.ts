import { UserError } from '../../../base/errors.js';
import { readersOf } from '../../../engine/weights/unitReaders.js';
import { formatAddress, resolveAddress } from '../../../onnx/addresses.js';
import type { Layer, LayerTable } from '../../../onnx/layers/layer.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';

/** The neuron that is asked about. */
export interface ChosenUnit {
  readonly address: string;
  /**
   * Where it is changed and compared: the same unit of the activation that its layer is judged by, else itself. That is what the
   * layers behind it read.
   */
  readonly measuredAt: string;
  readonly unit: number;
  readonly value: string;
  readonly unitAxis: number;
  /** Undefined where a block is none. */
  readonly layer: Layer | undefined;
}

/**
 * Returns the neuron of an address; without one the first whose value is read by the weights of another layer.
 *
 * @throws UserError as `resolveAddress` does, `unit-missing`, `no-neurons`.
 */
export function chosenUnit(
  text: string | null,
  { table, types }: { readonly table: LayerTable; readonly types: TypeTable },
): ChosenUnit {
  const resolved = resolveAddress(text ?? firstAddress(table, types), table);
  const { address, unit, unitAxis, value, name } = resolved;
  if (unit === undefined || unitAxis === null) {
    throw new UserError(
      'unit-missing',
      `${address} names no single neuron. Add its number: ${formatAddress({ layer: name, unit: 0 })}.`,
      { detail: { address } },
    );
  }
  const layer = table.byName.get(resolved.layer?.name ?? '');
  const states = layer?.states;
  const measuredAt =
    resolved.kind === 'layer' && states?.kind === 'activation'
      ? formatAddress({ layer: states.layer, unit })
      : formatAddress({ ...resolved, layer: name, unit });
  return {
    address,
    measuredAt: resolved.kind === 'layer' ? measuredAt : address,
    unit,
    value,
    unitAxis,
    layer,
  };
}

function firstAddress(table: LayerTable, types: TypeTable): string {
  const layers = table.layers.filter(
    ({ kind, isInBody, unitAxis, unitCount }) =>
      (kind === 'conv' || kind === 'dense') && !isInBody && unitAxis !== null && unitCount !== 0,
  );
  const read = layers.find(
    ({ output, unitAxis }) =>
      readersOf({ value: output, unitAxis: unitAxis ?? 0, unit: 0 }, { table, types }).readers.length > 0,
  );
  const chosen =
    read ?? layers[0] ?? table.layers.find(({ unitAxis, isInBody }) => unitAxis !== null && !isInBody);
  if (chosen === undefined) {
    throw new UserError(
      'no-neurons',
      'The model has no layer with neurons: none of its operators has weights or is an activation.',
    );
  }
  return formatAddress({ layer: chosen.name, unit: 0 });
}
