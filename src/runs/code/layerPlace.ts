import type { CodeClass, CodeMember } from './pythonClasses.js';

/** Where a layer is made in code. */
export interface LayerPlace {
  /** Line from 0. */
  readonly line: number;
  /** Class and member that make it: `Encoder.fc1`. */
  readonly symbol: string;
}

/**
 * Returns the line that makes a layer: `encoder.layers.0.fc1` is `self.fc1` in the class of what `self.layers` holds in the class
 * of `self.encoder`; the nearest line around it where the code does not say more. Undefined where nothing of it is in the code.
 *
 * `rootClass` is the class of the whole model; without it the class that has most of the layers' first parts is.
 */
export function placeOfLayer(
  classes: readonly CodeClass[],
  layer: string,
  rootClass: string | undefined,
): LayerPlace | undefined {
  const root = classes.find(({ name }) => name === rootClass);
  return root === undefined ? undefined : placeIn(classes, root, layer.split('.'));
}

/** Returns the class of the whole model, as its layers' names tell: the one that keeps most of their first parts. */
export function rootClassOf(classes: readonly CodeClass[], layers: readonly string[]): string | undefined {
  const parts = new Set(layers.map((layer) => layer.split('.')[0] ?? ''));
  let best: { readonly name: string; readonly count: number } | undefined;
  for (const { name, members } of classes) {
    const count = members.filter((member) => parts.has(member.name)).length;
    if (count > (best?.count ?? 0)) best = { name, count };
  }
  return best?.name;
}

/** Returns the place of `Class.member`, or of `Class`; undefined where the code has none. */
export function placeOfSymbol(classes: readonly CodeClass[], symbol: string): LayerPlace | undefined {
  const [className, member] = symbol.split('.');
  const found = classes.find(({ name }) => name === className);
  if (found === undefined) return undefined;
  if (member === undefined) return { line: found.line, symbol };
  const at = found.members.find(({ name }) => name === member);
  return at === undefined ? undefined : { line: at.line, symbol };
}

function placeIn(
  classes: readonly CodeClass[],
  root: CodeClass,
  path: readonly string[],
): LayerPlace | undefined {
  const [first = '', ...rest] = path;
  const member = root.members.find(({ name }) => name === first);
  if (member === undefined) return undefined;
  // Numbers count the elements of a container.
  const inside = rest.slice(rest.findIndex((part) => !/^\d+$/u.test(part)));
  const isDeeper = rest.some((part) => !/^\d+$/u.test(part));
  const inner = isDeeper
    ? classesIn(classes, member)
        .filter((one) => one !== root)
        .map((one) => placeIn(classes, one, inside))
        .find((place) => place !== undefined)
    : undefined;
  return inner ?? { line: member.line, symbol: `${root.name}.${member.name}` };
}

/** Classes of the code that a member is made of: `self.layers = nn.ModuleList([Block() for …])`. */
function classesIn(classes: readonly CodeClass[], { value }: CodeMember): CodeClass[] {
  return classes.filter(({ name }) => new RegExp(`\\b${name}\\s*\\(`, 'u').test(value));
}
