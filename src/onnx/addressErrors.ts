import { didYouMean } from '../base/nearest.js';
import { UserError } from '../base/errors.js';

/** Looking for similar names costs words × names, so it stops at this many. */
const searchedNameCount = 3000;

/** Returns the error for text that is no address. */
export function malformedAddress(text: string, reason: string): UserError {
  return new UserError(
    'malformed-address',
    `"${text}" is no address: ${reason}. Addresses look like features.3[42], features.3[42]@7,7 or blocks.0.attn.head[2].`,
    { detail: { address: text } },
  );
}

/** Returns the error for a name that no layer has. */
export function unknownLayer(name: string, names: readonly string[]): UserError {
  const searched = names.slice(0, searchedNameCount);
  const close = didYouMean(name, searched) || endingLike(name, searched);
  const advice = close === '' ? ' "inspect" lists the layers of a model.' : close;
  return new UserError('unknown-layer', `This model has no layer "${name}".${advice}`, {
    detail: { layer: name },
  });
}

function endingLike(name: string, names: readonly string[]): string {
  const found = names.filter((candidate) => candidate.endsWith(`.${name}`)).slice(0, 3);
  return found.length === 0 ? '' : ` Did you mean ${found.map((one) => `"${one}"`).join(' or ')}?`;
}

/** Returns the error for an exporter's path that several layers share. */
export function ambiguousPath(path: string, names: readonly string[]): UserError {
  return new UserError(
    'ambiguous-layer',
    `"${path}" is the path of ${String(names.length)} layers: ${names.slice(0, 5).join(', ')}. Write the layer's name instead.`,
    { detail: { path, names } },
  );
}

/** Returns the error for a unit of a layer that has none. */
export function noUnits(layer: string, reason: string): UserError {
  return new UserError('no-units', `"${layer}" has no units to choose from: ${reason}.`, {
    detail: { layer },
  });
}

/** Returns the error for a unit beyond the last. */
export function unitOutOfRange(what: string, unit: number, count: number): UserError {
  const range = count === 1 ? 'only 0' : `0 to ${String(count - 1)}`;
  return new UserError(
    'unit-out-of-range',
    `There is no unit ${String(unit)} in "${what}": it has ${String(count)} (${range}).`,
    { detail: { layer: what, unit, count } },
  );
}

/** Returns the error for a position that the layer's output does not have. */
export function badPosition(what: string, position: readonly number[], reason: string): UserError {
  return new UserError(
    'bad-position',
    `There is no position @${position.join(',')} in "${what}": ${reason}.`,
    { detail: { layer: what, position } },
  );
}

/** Returns the error for a keyword that finds nothing in the layer. */
export function nothingSelected(what: string, reason: string): UserError {
  return new UserError('nothing-selected', `"${what}" names nothing in this model: ${reason}.`, {
    detail: { address: what },
  });
}
