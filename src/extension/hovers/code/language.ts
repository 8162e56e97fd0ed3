import type { Node } from '@vscode/tree-sitter-wasm';
import type { AxisIndex, ChainStep, EnclosingClass, Span } from '../reference.js';

/** A link of a chain, and the expression it is applied to. */
export interface Link {
  readonly object: Node;
  readonly step: ChainStep;
}

/** Where an unnamed element of a container stands: `features` → `0` in `self.features = nn.Sequential(…)`. */
export interface ElementPath {
  /** `self`/`this`, or the name of the variable; names of modules below it follow in `path`. */
  readonly root: Node;
  readonly path: readonly string[];
}

/** What tells the languages apart; everything else about chains is the same for all. */
export interface Language {
  /** Returns the link that a node is, undefined for anything else: `a.b`, `a[1]`, `a(x)`. */
  linkOf(node: Node): Link | undefined;
  /** Returns what a node that only wraps another stands for: parentheses, `!`. */
  unwrapped(node: Node): Node | undefined;
  /** Tells whether a node is `self` or `this`. */
  isSelf(node: Node): boolean;
  /** Returns the text of a string without placeholders, and where it is; undefined for any other node. */
  plainString(node: Node): (Span & { readonly text: string }) | undefined;
  /** Types of the nodes that hold text for people. */
  readonly commentTypes: ReadonlySet<string>;
  readonly stringTypes: ReadonlySet<string>;
  /** Types of the nodes that may stand in the brackets of an index, for pointing at them. */
  readonly indexTypes: ReadonlySet<string>;
  /** Returns the class around a node with what it assigns to itself. */
  enclosingClass(node: Node): EnclosingClass | undefined;
  /** Names bound to whole modules by imports at the top of the file. */
  moduleNames(root: Node): ReadonlySet<string>;
  /** Returns what a name was last set to before it stands here, in the functions around it or at the top of the file. */
  lastValue(name: Node): Node | undefined;
  /** Returns where the call a node belongs to stands in containers such as `nn.Sequential`. */
  elementPath(call: Node): ElementPath | undefined;
  /** Returns the name that a call gives to the layer it makes: `Dense(256, name="fc1")`. */
  givenName(call: Node): string | undefined;
  /** Tells whether a string names a layer where it stands: the value of `name=`, a key of an ordered container. */
  isNamingString(node: Node): boolean;
  /** Returns the name that a node declares as a field of the class around it: `fc1 = …` in a class of TypeScript. */
  fieldName(node: Node): string | undefined;
}

/** Names of methods that select a layer or an activation by a string. */
export const selectingMethods: ReadonlySet<string> = new Set([
  'get',
  'get_layer',
  'getLayer',
  'get_submodule',
  'get_parameter',
]);

/** Returns an index for a number in the source, unknown when it is no whole number. */
export function numberIndex(text: string, sign: 1 | -1 = 1): AxisIndex {
  const value = Number(text.replaceAll('_', ''));
  // `+ 0` turns -0 into 0.
  return Number.isSafeInteger(value) ? { kind: 'number', value: sign * value + 0 } : { kind: 'unknown' };
}

/** Returns the named children of a node that are no comments. */
export function partsOf(node: Node): Node[] {
  return node.namedChildren.filter((child): child is Node => child !== null && child.type !== 'comment');
}

/** Returns the children of a field. */
export function fieldOf(node: Node, name: string): Node[] {
  return node.childrenForFieldName(name).filter((child): child is Node => child !== null);
}

/** Returns the nearest node around, itself included, of one of some types. */
export function closest(node: Node, types: ReadonlySet<string>): Node | undefined {
  for (let current: Node | null = node; current !== null; current = current.parent) {
    if (types.has(current.type)) return current;
  }
  return undefined;
}
