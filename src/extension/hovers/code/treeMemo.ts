import type { Tree } from '@vscode/tree-sitter-wasm';

/** Remembers what was read off a tree, as long as the tree lives: an edited document has another one. */
export class TreeMemo<T> {
  private readonly byTree = new WeakMap<Tree, Map<number, T>>();

  /** Returns what is remembered for a tree and the start of a node, made the first time. */
  get(tree: Tree, start: number, make: () => T): T {
    let byStart = this.byTree.get(tree);
    if (byStart === undefined) {
      byStart = new Map();
      this.byTree.set(tree, byStart);
    }
    const known = byStart.get(start);
    if (known !== undefined) return known;
    const made = make();
    byStart.set(start, made);
    return made;
  }
}
