import type { AddressTable } from '../../protocol/structure.js';

/** What a model's names are looked up in: whole names, and names of modules that hold layers. */
export interface NameIndex {
  /** Names and exporters' paths of layers. */
  readonly names: ReadonlySet<string>;
  /** Modules and layers by the last part of their name: what stands before it, `''` at the root. */
  readonly parentsOf: ReadonlyMap<string, readonly string[]>;
  /** Every name, and every part of one up to a dot: `features.3` and `features`. */
  readonly modules: ReadonlySet<string>;
}

const indices = new WeakMap<AddressTable, NameIndex>();

/** Returns the index of a model's names; made once per table, at a cost that grows with the length of all names. */
export function nameIndexOf(table: AddressTable): NameIndex {
  const known = indices.get(table);
  if (known !== undefined) return known;
  const made = makeIndex(table);
  indices.set(table, made);
  return made;
}

function makeIndex(table: AddressTable): NameIndex {
  const names = new Set<string>();
  const modules = new Set<string>();
  const parentsOf = new Map<string, string[]>();
  for (const { name, path } of table.layers) {
    names.add(name);
    names.add(path);
    addModules(name, modules, parentsOf);
  }
  // Blocks are addressed by keywords (`blocks.3.mlp.hidden`) even where no layer has their name.
  for (const { name } of [...table.mlps, ...table.attentions]) addModules(name, modules, parentsOf);
  return { names, parentsOf, modules };
}

function addModules(name: string, modules: Set<string>, parentsOf: Map<string, string[]>): void {
  for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) {
    const module = name.slice(0, end);
    if (modules.has(module)) return;
    modules.add(module);
    const dot = module.lastIndexOf('.');
    const last = module.slice(dot + 1);
    const parent = dot < 0 ? '' : module.slice(0, dot);
    const parents = parentsOf.get(last);
    if (parents === undefined) parentsOf.set(last, [parent]);
    else parents.push(parent);
  }
}

const keywordPattern = /(?:\.|:)(?:head|expert|hidden|act)$/u;

/**
 * Tells whether text may be an address of a model, without the search for similar names that a refusal costs: it begins with
 * a name, a name and a keyword, a quote, or is one of the short forms.
 */
export function mayBeAddress(text: string, { names, modules }: NameIndex): boolean {
  const name = text.replace(/(?:\[[^\]]*\])?(?:@[-\d,]+)?$/u, '');
  if (names.has(name) || names.has(text) || text.startsWith('"')) return true;
  if (/^L\d+N\d+$/u.test(name) || /^blocks\.\d+\.mlp\.hook_post$/u.test(name)) return true;
  const stem = name.replace(/:\d+$/u, '');
  const block = name.replace(keywordPattern, '');
  return names.has(stem) || (block !== name && modules.has(block));
}

/**
 * Returns the modules that objects of a class may be: those that hold a member and the most of its other members; `''` is the
 * model itself.
 *
 * A class used twice is two modules: `conv1` of a residual block is in `layer1.0` and `layer1.1`, and not the model's own
 * `conv1`, because only the blocks hold `conv2` and `bn2` beside it.
 */
export function modulesWith(
  member: string,
  members: readonly string[],
  { parentsOf, modules }: NameIndex,
): readonly string[] {
  const parents = parentsOf.get(member) ?? [];
  if (parents.length <= 1) return parents;
  const counted = parents.map((parent) => ({
    parent,
    count: members.filter((name) => modules.has(parent === '' ? name : `${parent}.${name}`)).length,
  }));
  const most = Math.max(...counted.map(({ count }) => count));
  return counted.filter(({ count }) => count === most).map(({ parent }) => parent);
}
