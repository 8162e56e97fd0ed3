import type { ResolvedAddress } from '../../onnx/addresses.js';
import type { AddressTable } from '../../protocol/structure.js';
import { findAddress } from './findAddress.js';
import type { Reference, Span, TextReference } from './reference.js';
import { resolveChain } from './resolveChain.js';

/** What a model has of what is named at a position. */
export interface Resolution extends Span {
  /** One, or the layers of all modules that a class is used for. */
  readonly targets: readonly ResolvedAddress[];
  /** The unit that was named, as it was written, and that the layer does not have. */
  readonly missingUnit?: number;
}

/** What ties code to a model: the `code` of its inspect file. */
export interface CodeContext {
  /** Class of the whole model. */
  readonly className?: string;
  /** Layer by `Class.member`, for the file at hand. */
  readonly layerBySymbol?: ReadonlyMap<string, string>;
}

/** Returns what the first reference that a model knows leads to; undefined when it knows none. */
export function resolveReferences(
  references: readonly Reference[],
  table: AddressTable,
  context: CodeContext = {},
): Resolution | undefined {
  for (const reference of references) {
    const found =
      reference.kind === 'text' ? resolveText(reference, table) : resolveChain(reference, table, context);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A name with a digit, a dot or the like: `conv1`, `features.3`, `fc[3]`; not `classifier` or `relu`. */
const tellingPattern = /[\d._/:[@]/u;

function resolveText(reference: TextReference, table: AddressTable): Resolution | undefined {
  const { text, start, end, isWordEnough } = reference;
  if (!isWordEnough && !tellingPattern.test(text)) return undefined;
  const found = findAddress(text, table);
  if (found === undefined) return undefined;
  const { target, ...rest } = found;
  return { targets: [target], start, end, ...rest };
}
