import { formatName } from '../protocol/addressNames.js';
import { malformedAddress } from './addressErrors.js';

export { formatName };

/** What `layer:head[i]` and its like select inside a layer. */
export type Selector = 'head' | 'expert' | 'hidden' | 'act';

/** An address as it is written; only a model's layers tell whether `.head` ends a name or selects (see `resolveAddress`). */
export interface Address {
  /** Name of the layer, the exporter's path, or `L3N42`; a keyword written with a dot is still part of it. */
  readonly layer: string;
  /** Written with a colon, which no layer name takes precedence over. */
  readonly selector?: Selector;
  /** Number of a scope's output: 1 in `scope:1`. */
  readonly output?: number;
  readonly unit?: number;
  /** Coordinates on the axes that are neither batch nor unit, in axis order; negative ones count from the end. */
  readonly position?: readonly number[];
}

/** What stands behind the name of an address. */
export type AddressTail = Omit<Address, 'layer'>;

/** Keywords that may follow a name. */
export const selectors: readonly Selector[] = ['head', 'expert', 'hidden', 'act'];

const tailPattern =
  /^(?::(?:(?<selector>head|expert|hidden|act)|(?<output>\d{1,9})))?(?:\[(?<dots>\.\.\.,\s*)?(?<unit>\d{1,9})\])?(?:@(?<position>-?\d{1,9}(?:,-?\d{1,9})*))?$/u;

const hook = /\.hook_post$/u;

/**
 * Returns the parts of an address: `layer[unit]@position`, `layer:head[i]`, `scope:1`, `"quoted name"[unit]`.
 *
 * @throws UserError `malformed-address` when the text is no address.
 */
export function parseAddress(text: string): Address {
  const trimmed = text.trim();
  const { layer, rest } = trimmed.startsWith('"') ? quotedName(trimmed) : plainName(trimmed);
  const tail = parseTail(rest, layer);
  if (tail === undefined) throw malformedAddress(text, reasonFor(rest));
  return { layer, ...tail };
}

/** What stands behind the name in the lasting form of an address with a unit: names with brackets are quoted. */
const unitTail = /\[\d+\](?:@[-\d,]+)?$/u;

/** Returns the address of another unit of the same layer or block, without a position; `address` is in its lasting form. */
export function withUnit(address: string, unit: number): string {
  return address.replace(unitTail, `[${String(unit)}]`);
}

/** Returns an address in its lasting form without its unit. */
export function withoutUnit(address: string): string {
  return address.replace(unitTail, '');
}

/** Returns what stands behind a name, or undefined when that is no `:head`, `[unit]`, `@position`; `[..., u]` needs a hook. */
export function parseTail(rest: string, name: string): AddressTail | undefined {
  const groups = tailPattern.exec(rest)?.groups;
  if (groups === undefined) return undefined;
  const { selector, output, dots, unit, position } = groups;
  if (dots !== undefined && !hook.test(name)) return undefined;
  const known = selectors.find((candidate) => candidate === selector);
  return {
    ...(known === undefined ? {} : { selector: known }),
    ...(output === undefined ? {} : { output: Number(output) }),
    ...(unit === undefined ? {} : { unit: Number(unit) }),
    // `-0` would not survive being printed.
    ...(position === undefined ? {} : { position: position.split(',').map((part) => Number(part) + 0) }),
  };
}

/** Returns the text of an address; `parseAddress` gives back the same parts. */
export function formatAddress(address: Address): string {
  const { layer, selector, output, unit, position } = address;
  let text = formatName(layer);
  if (selector !== undefined) text += `:${selector}`;
  else if (output !== undefined) text += `:${String(output)}`;
  if (unit !== undefined) text += `[${String(unit)}]`;
  if (position !== undefined && position.length > 0) text += `@${position.join(',')}`;
  return text;
}

function plainName(text: string): { layer: string; rest: string } {
  const end = text.search(/[[@]/u);
  const name = end < 0 ? text : text.slice(0, end);
  const colon = /:(?:head|expert|hidden|act|\d{1,9})$/u.exec(name);
  const layer = colon === null ? name : name.slice(0, colon.index);
  if (layer === '') throw malformedAddress(text, 'it names no layer');
  const odd = /[\]"\s]/u.exec(layer);
  if (odd !== null) {
    throw malformedAddress(text, 'names with brackets, @, quotes or white space stand in double quotes');
  }
  return { layer, rest: text.slice(layer.length) };
}

function quotedName(text: string): { layer: string; rest: string } {
  const match = /^"((?:[^"\\]|\\["\\])*)"/u.exec(text);
  if (match === null) {
    throw malformedAddress(
      text,
      'the quoted name does not end, or holds a backslash before anything but " or \\',
    );
  }
  const name = (match[1] ?? '').replace(/\\(["\\])/gu, '$1');
  const rest = text.slice(match[0].length);
  // `"my block".head[3]` says the same as `"my block.head"[3]`.
  const keyword = /^(?:\.[^[\]@":\s]+)+/u.exec(rest)?.[0] ?? '';
  return { layer: name + keyword, rest: rest.slice(keyword.length) };
}

function reasonFor(rest: string): string {
  if (/\[\s*-/u.test(rest)) return 'units count from 0, so there is no negative one';
  if (rest.startsWith('[...')) return '[..., unit] is for names that end in .hook_post';
  if (rest.includes('[')) return 'a unit is one whole number in brackets, like features.3[42]';
  return 'a position is whole numbers with commas, like features.3[42]@7,7';
}
