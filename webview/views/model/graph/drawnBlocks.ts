import { blockTitle, notableBlocks } from '../../../../src/protocol/blockWords.js';
import type { DrawnBlock } from '../../../../src/protocol/structure.js';
import type { Draft } from './graphTree.js';

/**
 * Puts recognised blocks into the modules of a graph: one that is a module is called so, one that is some of the neighbours
 * in a module gets a box around them. Blocks across the borders of modules are left as they are, and so are a normalisation
 * and its activation, which stand one under the other already.
 */
export function groupBlocks(root: Draft, blocks: readonly DrawnBlock[]): void {
  const family = new Family(root);
  for (const block of blocks) {
    if (notableBlocks([block.kind]).length > 0) place(root, block, family);
  }
}

function place(root: Draft, block: DrawnBlock, family: Family): void {
  // Constants are not drawn.
  const nodes = block.nodes.flatMap((id) => family.ofNode.get(id) ?? []);
  const around = family.around(nodes);
  if (around === undefined) return;
  const counts = new Map<Draft, number>();
  for (const node of nodes) {
    const child = family.childTowards(around, node);
    if (child !== undefined) counts.set(child, (counts.get(child) ?? 0) + 1);
  }
  if ([...counts].some(([child, count]) => count < family.countOf(child))) return;
  const inside = around.children.filter((child) => counts.has(child));
  const [only, other] = inside;
  if (only === undefined) return;
  const isAll = inside.length === around.children.length;
  // The root is the model and no block of it.
  const whole = isAll && around !== root ? around : other === undefined ? only : undefined;
  if (whole !== undefined) {
    whole.blocks = [...(whole.blocks ?? []), titleOf(block)];
    return;
  }
  const title = titleOf(block);
  const box: Draft = { kind: 'block', label: title, name: block.name, blocks: [title], children: inside };
  around.children = around.children.flatMap((child) =>
    child === only ? [box] : counts.has(child) ? [] : [child],
  );
  family.adopt(around, box);
}

/** What a block is called on its box: `Residual block`, `IBN layer (IBN-b)`. */
function titleOf({ kind, variant }: DrawnBlock): string {
  return variant === '' ? blockTitle(kind) : `${blockTitle(kind)} (${variant})`;
}

/** Who is inside whom, while boxes are put in between. */
class Family {
  readonly ofNode = new Map<number, Draft>();
  private readonly parents = new Map<Draft, Draft>();
  private readonly counts = new Map<Draft, number>();

  constructor(root: Draft) {
    this.count(root);
  }

  /** Nodes inside, itself included. */
  countOf(draft: Draft): number {
    return this.counts.get(draft) ?? 0;
  }

  /** Returns the innermost box around all of some nodes. */
  around([first, ...others]: readonly Draft[]): Draft | undefined {
    if (first === undefined) return undefined;
    let path = this.pathTo(first).slice(0, -1);
    for (const other of others) {
      const own = this.pathTo(other);
      const end = path.findIndex((draft, depth) => own[depth] !== draft);
      if (end >= 0) path = path.slice(0, end);
    }
    return path.at(-1);
  }

  /** Returns the child of a box that a node is in, or is. */
  childTowards(box: Draft, node: Draft): Draft | undefined {
    const path = this.pathTo(node);
    return path[path.indexOf(box) + 1];
  }

  /** Says that a box was put into another, around some that were in that. */
  adopt(around: Draft, box: Draft): void {
    this.parents.set(box, around);
    for (const child of box.children) this.parents.set(child, box);
    this.counts.set(
      box,
      box.children.reduce((count, child) => count + this.countOf(child), 0),
    );
  }

  private pathTo(draft: Draft): Draft[] {
    const path = [draft];
    for (let at = this.parents.get(draft); at !== undefined; at = this.parents.get(at)) path.push(at);
    return path.reverse();
  }

  private count(draft: Draft): number {
    let count = 0;
    if (draft.node !== undefined) {
      this.ofNode.set(draft.node.id, draft);
      count++;
    }
    for (const child of draft.children) {
      this.parents.set(child, draft);
      count += this.count(child);
    }
    this.counts.set(draft, count);
    return count;
  }
}
