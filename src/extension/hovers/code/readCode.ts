import type { Node } from '@vscode/tree-sitter-wasm';
import type { ChainReference, ChainRoot, ChainStep, Reference } from '../reference.js';
import { addressCandidates } from '../text/addressCandidates.js';
import type { Language } from './language.js';

/** Aliases of aliases are followed this far: `x = model.features; y = x`. */
const maxAliasDepth = 3;

/** Layers and neurons that TransformerLens-like code writes as a word. */
const shorthandPattern = /^L\d+N\d+$/u;

/**
 * Returns what may name a layer or a neuron at a position of code, the most telling first: expressions such as
 * `model.features[3].weight[42]`, elements of containers, addresses in strings and comments.
 */
export function readCode(root: Node, offset: number, language: Language): readonly Reference[] {
  const leaf = root.descendantForIndex(offset, offset + 1);
  if (leaf === null) return [];
  if (language.commentTypes.has(leaf.type)) return textReferences(leaf, offset);
  const reader = new CodeReader(root, offset, language);
  return [...reader.chains(leaf), ...reader.elements(leaf), ...reader.strings(leaf), ...reader.words(leaf)];
}

function textReferences(node: Node, offset: number): readonly Reference[] {
  return addressCandidates(
    node.text,
    { offset: offset - node.startIndex, isWordEnough: false },
    node.startIndex,
  );
}

class CodeReader {
  private readonly root: Node;
  private readonly offset: number;
  private readonly language: Language;

  constructor(root: Node, offset: number, language: Language) {
    this.root = root;
    this.offset = offset;
    this.language = language;
  }

  /** The expression that a node is a part of, from its root to its last link. */
  chains(leaf: Node): readonly ChainReference[] {
    const field = this.language.fieldName(leaf);
    if (field !== undefined) {
      const root: ChainRoot = { kind: 'self', enclosing: this.language.enclosingClass(leaf) };
      const step: ChainStep = { kind: 'name', name: field, start: leaf.startIndex, end: leaf.endIndex };
      return [this.reference(root, [step])];
    }
    const link = this.linkAt(leaf);
    return link === undefined ? [] : [this.chainOf(this.outermost(link))];
  }

  /** The place of a call in containers, where a node is its callee: `nn.Conv2d` in `nn.Sequential(nn.Conv2d(…))`. */
  elements(leaf: Node): readonly Reference[] {
    const { language } = this;
    const made = this.callOf(leaf);
    const call = made ?? this.callKeyedBy(leaf);
    if (call === undefined) return [];
    const span = { start: leaf.startIndex, end: leaf.endIndex };
    const found: Reference[] = [];
    const place = language.elementPath(call);
    if (place !== undefined && place.path.length > (language.isSelf(place.root) ? 1 : 0)) {
      const steps = place.path.map((name): ChainStep => ({ kind: 'name', name, ...span }));
      found.push({ ...this.reference(this.rootOf(place.root), steps), isElement: true });
    }
    const name = made === undefined ? undefined : language.givenName(made);
    if (name !== undefined) found.push({ kind: 'text', text: name, isWordEnough: true, ...span });
    return found;
  }

  /** A string as a whole, then addresses inside. */
  strings(leaf: Node): readonly Reference[] {
    const { language, offset } = this;
    const node = language.stringTypes.has(leaf.type) ? leaf : leaf.parent;
    const plain = node === null ? undefined : language.plainString(node);
    if (node === null || plain === undefined || offset < plain.start || offset >= plain.end) return [];
    const isWordEnough = language.isNamingString(node);
    const parts = addressCandidates(plain.text, { offset: offset - plain.start, isWordEnough }, plain.start);
    return [{ kind: 'text', ...plain, isWordEnough }, ...parts];
  }

  /** `L3N42` as a name in code. */
  words(leaf: Node): readonly Reference[] {
    if (!shorthandPattern.test(leaf.text)) return [];
    const { text, startIndex: start, endIndex: end } = leaf;
    return [{ kind: 'text', text, start, end, isWordEnough: true }];
  }

  /** The link that a node is a part of: its name, or something in its brackets, but not what it is applied to. */
  private linkAt(leaf: Node): Node | undefined {
    const { language } = this;
    let node = leaf;
    for (let around = node.parent; around !== null; around = node.parent) {
      const link = language.linkOf(around);
      if (link !== undefined) return this.isPointedAt(link.step, link.object, node) ? around : undefined;
      const isPassable =
        language.indexTypes.has(node.type) ||
        language.indexTypes.has(around.type) ||
        language.unwrapped(around) !== undefined ||
        isKeyOfCall(around);
      if (!isPassable) return undefined;
      node = around;
    }
    return undefined;
  }

  private isPointedAt(step: ChainStep, object: Node, node: Node): boolean {
    // A name the chain starts from stands for layers when it is another name for some: `features[3]`.
    if (node.equals(object)) return this.alias(object) !== undefined;
    if (this.offset < step.start || this.offset >= step.end) return false;
    if (step.kind === 'indices') return !node.isNamed || this.language.indexTypes.has(node.type);
    return step.kind === 'name' || step.kind === 'key';
  }

  private outermost(link: Node): Node {
    const { language } = this;
    let node = link;
    for (let around = node.parent; around !== null; around = node.parent) {
      const object = language.linkOf(around)?.object ?? language.unwrapped(around);
      if (object?.equals(node) !== true) break;
      node = around;
    }
    return node;
  }

  private chainOf(outermost: Node): ChainReference {
    const { root, steps } = this.unrolled(outermost);
    return this.reference(this.rootOf(root), steps);
  }

  /** The steps of a chain in order; a root that is another name for a chain is replaced by it. */
  private unrolled(node: Node, depth = 0): { readonly root: Node; readonly steps: readonly ChainStep[] } {
    const steps: ChainStep[] = [];
    let current = node;
    for (;;) {
      const link = this.language.linkOf(current);
      if (link !== undefined) steps.unshift(link.step);
      const object = link?.object ?? this.language.unwrapped(current);
      if (object === undefined) break;
      current = object;
    }
    const alias = depth < maxAliasDepth ? this.alias(current) : undefined;
    if (alias === undefined) return { root: current, steps };
    const { root, steps: before } = this.unrolled(alias, depth + 1);
    const span = { start: current.startIndex, end: current.endIndex };
    return { root, steps: [...before.map((step): ChainStep => ({ ...step, ...span })), ...steps] };
  }

  /** Returns the chain of names that a variable was last set to; calls make something new. */
  private alias(node: Node): Node | undefined {
    if (node.type !== 'identifier' || this.language.isSelf(node)) return undefined;
    const value = this.language.lastValue(node);
    return value !== undefined && this.isPath(value) ? value : undefined;
  }

  private isPath(value: Node): boolean {
    let current = value;
    for (;;) {
      const link = this.language.linkOf(current);
      if (link?.step.kind === 'call') return false;
      const object = link?.object ?? this.language.unwrapped(current);
      if (object === undefined) return current.type === 'identifier' || this.language.isSelf(current);
      current = object;
    }
  }

  private rootOf(node: Node): ChainRoot {
    const { language } = this;
    if (language.isSelf(node)) return { kind: 'self', enclosing: language.enclosingClass(node) };
    if (node.type !== 'identifier') return { kind: 'expression' };
    return language.moduleNames(this.root).has(node.text)
      ? { kind: 'module' }
      : { kind: 'variable', name: node.text };
  }

  private reference(root: ChainRoot, steps: readonly ChainStep[]): ChainReference {
    return { kind: 'chain', root, steps, offset: this.offset };
  }

  /** The call whose callee ends with a node: `Conv2d` in `nn.Conv2d(…)`. */
  private callOf(leaf: Node): Node | undefined {
    const callee =
      leaf.parent !== null && this.language.linkOf(leaf.parent) !== undefined ? this.calleeWith(leaf) : leaf;
    const call = callee?.parent;
    if (call === null || call === undefined || callee === undefined) return undefined;
    const link = this.language.linkOf(call);
    return link?.step.kind === 'call' && link.object.equals(callee) ? call : undefined;
  }

  /** The whole callee `nn.Conv2d` around any of its names. */
  private calleeWith(leaf: Node): Node | undefined {
    let node = leaf;
    for (let around = node.parent; around !== null; around = node.parent) {
      if (this.language.linkOf(around)?.step.kind !== 'name') return node;
      node = around;
    }
    return node;
  }

  /** The call that stands behind a string: `("conv", nn.Conv2d(…))`, `{"conv": nn.Conv2d(…)}`. */
  private callKeyedBy(leaf: Node): Node | undefined {
    const key = this.language.stringTypes.has(leaf.type) ? leaf : leaf.parent;
    const value = key?.nextNamedSibling;
    if (key === null || value === null || value === undefined) return undefined;
    if (this.language.plainString(key) === undefined) return undefined;
    return this.language.linkOf(value)?.step.kind === 'call' ? value : undefined;
  }
}

/** Arguments of `.get("features.3")`: the string in them is a part of the link. */
function isKeyOfCall(node: Node): boolean {
  return node.type === 'argument_list' || node.type === 'arguments';
}
