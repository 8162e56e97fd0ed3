import { UserError } from '../../base/errors.js';
import { type ResolvedAddress, resolveAddress } from '../../onnx/addresses.js';
import type { AddressTable } from '../../protocol/structure.js';
import { mayBeAddress, nameIndexOf } from './nameIndex.js';

/** What an address leads to. */
export interface FoundAddress {
  readonly target: ResolvedAddress;
  /** The unit that was named and that the layer does not have; the target is the layer then. */
  readonly missingUnit?: number;
}

/** Returns what text leads to in a model; undefined when it is no address there, at little cost. */
export function findAddress(text: string, table: AddressTable): FoundAddress | undefined {
  if (!mayBeAddress(text, nameIndexOf(table))) return undefined;
  try {
    return { target: resolveAddress(text, table) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { layer, unit } = error.detail;
    const isBeyond = error.code === 'unit-out-of-range' && typeof unit === 'number';
    if (!isBeyond || typeof layer !== 'string') return undefined;
    return { target: resolveAddress(layer, table), missingUnit: unit };
  }
}
