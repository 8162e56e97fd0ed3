import type { Node } from '@vscode/tree-sitter-wasm';

// Walking a file of thousands of statements costs tens of milliseconds, because every node crosses from WebAssembly. So text
// is searched for where something can be, and the tree is asked only there whether it is so.

/** Places that are looked at; a name that stands before more equal signs than this is no other name for anything. */
const maxPlaceCount = 64;

/** Yields the nodes where a pattern matches in the text before a node, last first. */
export function* nodesBefore(node: Node, pattern: RegExp): Generator<Node> {
  const root = node.tree.rootNode;
  const text = root.text.slice(0, node.startIndex - root.startIndex);
  const places = [...text.matchAll(pattern)].map(({ index }) => root.startIndex + index);
  for (const place of places.reverse().slice(0, maxPlaceCount)) {
    const found = root.descendantForIndex(place, place + 1);
    if (found !== null) yield found;
  }
}

/** Yields the nodes where a pattern matches in a whole file, first first. */
export function* nodesWith(root: Node, pattern: RegExp): Generator<Node> {
  let count = 0;
  for (const { index } of root.text.matchAll(pattern)) {
    if (count++ >= maxPlaceCount) return;
    const place = root.startIndex + index;
    const found = root.descendantForIndex(place, place + 1);
    if (found !== null) yield found;
  }
}

/** Returns a pattern for a name that is set to something: `name =`, `name: T =`, but not `name ==` or `name =>`. */
export function settingPattern(name: string): RegExp {
  const plain = name.replace(/[^\p{L}\p{N}_]/gu, '');
  return new RegExp(`(?<![\\p{L}\\p{N}_$.])${plain}\\s*(?::[^=\\n]*)?=(?![=>])`, 'gu');
}
