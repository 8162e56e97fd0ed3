import type { Node } from '@vscode/tree-sitter-wasm';
import type { AxisIndex, ChainStep, EnclosingClass } from '../reference.js';
import {
  closest,
  type ElementPath,
  fieldOf,
  type Language,
  type Link,
  numberIndex,
  partsOf,
  selectingMethods,
} from './language.js';
import { nodesBefore, nodesWith, settingPattern } from './textSearch.js';
import { TreeMemo } from './treeMemo.js';

/** How Python writes chains, strings, classes and containers of layers. */
export const python: Language = {
  linkOf,
  unwrapped: (node) => (node.type === 'parenthesized_expression' ? partsOf(node)[0] : undefined),
  isSelf: (node) => node.type === 'identifier' && node.text === 'self',
  plainString,
  commentTypes: new Set(['comment']),
  stringTypes: new Set(['string']),
  indexTypes: new Set([
    'string',
    'string_start',
    'string_content',
    'string_end',
    'integer',
    'unary_operator',
    'slice',
    'ellipsis',
    'none',
  ]),
  enclosingClass,
  moduleNames,
  lastValue,
  elementPath,
  givenName,
  isNamingString,
  fieldName: () => undefined,
};

function linkOf(node: Node): Link | undefined {
  switch (node.type) {
    case 'attribute':
      return attributeLink(node);
    case 'subscript':
      return subscriptLink(node);
    case 'call':
      return callLink(node);
    default:
      return undefined;
  }
}

function attributeLink(node: Node): Link | undefined {
  const object = node.childForFieldName('object');
  const attribute = node.childForFieldName('attribute');
  if (object === null || attribute === null) return undefined;
  return {
    object,
    step: { kind: 'name', name: attribute.text, start: attribute.startIndex, end: attribute.endIndex },
  };
}

function subscriptLink(node: Node): Link | undefined {
  const object = node.childForFieldName('value');
  if (object === null) return undefined;
  const span = { start: object.endIndex, end: node.endIndex };
  const parts = fieldOf(node, 'subscript');
  const [only] = parts;
  const key = parts.length === 1 && only !== undefined ? plainString(only) : undefined;
  if (key !== undefined) {
    return { object, step: { kind: 'key', text: key.text, textStart: key.start, ...span } };
  }
  return { object, step: { kind: 'indices', indices: parts.map(axisIndex), ...span } };
}

function axisIndex(node: Node): AxisIndex {
  switch (node.type) {
    case 'integer':
      return numberIndex(node.text);
    case 'unary_operator': {
      const argument = node.childForFieldName('argument');
      const isNegative = node.child(0)?.type === '-' && argument?.type === 'integer';
      return isNegative ? numberIndex(argument.text, -1) : { kind: 'unknown' };
    }
    case 'slice':
      return { kind: 'slice' };
    case 'ellipsis':
      return { kind: 'ellipsis' };
    case 'none':
      return { kind: 'new-axis' };
    case 'attribute':
      return node.text.endsWith('.newaxis') ? { kind: 'new-axis' } : { kind: 'unknown' };
    default:
      return { kind: 'unknown' };
  }
}

function callLink(node: Node): Link | undefined {
  const callee = node.childForFieldName('function');
  const list = node.childForFieldName('arguments');
  if (callee === null || list === null) return undefined;
  const selected = selectionOf(callee, list);
  if (selected !== undefined) return selected;
  const step: ChainStep = { kind: 'call', start: list.startIndex, end: list.endIndex };
  return { object: callee, step };
}

/** `x.get("features.3")` selects as `x["features.3"]` does. */
function selectionOf(callee: Node, list: Node): Link | undefined {
  const method = callee.type === 'attribute' ? callee.childForFieldName('attribute') : null;
  const object = callee.childForFieldName('object');
  if (method === null || object === null || !selectingMethods.has(method.text)) return undefined;
  const [first] = partsOf(list);
  const key = first === undefined ? undefined : plainString(first);
  if (key === undefined) return undefined;
  const span = { start: method.startIndex, end: list.endIndex };
  return { object, step: { kind: 'key', text: key.text, textStart: key.start, ...span } };
}

/** Bytes and strings with placeholders name no layer. */
function plainString(node: Node): ReturnType<Language['plainString']> {
  if (node.type !== 'string') return undefined;
  const open = node.firstChild;
  const close = node.lastChild;
  if (open?.type !== 'string_start' || close?.type !== 'string_end' || /b/iu.test(open.text)) {
    return undefined;
  }
  if (node.namedChildren.some((child) => child?.type === 'interpolation')) return undefined;
  const text = node.text.slice(open.endIndex - node.startIndex, close.startIndex - node.startIndex);
  return { text, start: open.endIndex, end: close.startIndex };
}

const classesByTree = new TreeMemo<EnclosingClass>();

function enclosingClass(node: Node): EnclosingClass | undefined {
  const around = closest(node, new Set(['class_definition']));
  const name = around?.childForFieldName('name')?.text;
  if (around === undefined || name === undefined) return undefined;
  return classesByTree.get(node.tree, around.startIndex, () => {
    const members = new Set<string>();
    for (const assignment of around.descendantsOfType('assignment')) {
      const left = assignment?.childForFieldName('left');
      if (left?.type !== 'attribute' || left.childForFieldName('object')?.text !== 'self') continue;
      const member = left.childForFieldName('attribute')?.text;
      if (member !== undefined) members.add(member);
    }
    return { name, members: [...members] };
  });
}

/** `import numpy as np` binds a module; `from torch import nn` may bind anything, but these are modules in practice. */
const knownModules = ['nn', 'F', 'np', 'torch', 'tf', 'keras', 'layers', 'jnp', 'jax', 'plt'];

const moduleNamesByTree = new TreeMemo<ReadonlySet<string>>();

function moduleNames(root: Node): ReadonlySet<string> {
  return moduleNamesByTree.get(root.tree, 0, () => {
    const names = new Set(knownModules);
    for (const node of nodesWith(root, /^import\s/gmu)) {
      const statement = closest(node, new Set(['import_statement']));
      for (const imported of statement === undefined ? [] : fieldOf(statement, 'name')) {
        const bound = imported.childForFieldName('alias') ?? imported.namedChild(0) ?? imported;
        names.add(bound.text);
      }
    }
    return names;
  });
}

const scopeTypes: ReadonlySet<string> = new Set(['function_definition', 'module']);

function lastValue(node: Node): Node | undefined {
  for (const found of nodesBefore(node, settingPattern(node.text))) {
    const assignment = found.parent;
    if (assignment?.type !== 'assignment' || assignment.endIndex > node.startIndex) continue;
    const value = assignment.childForFieldName('right');
    if (assignment.childForFieldName('left')?.equals(found) !== true || value === null) continue;
    if (isVisible(assignment, node)) return value;
  }
  return undefined;
}

/** Names set in a function are not seen outside of it. */
function isVisible(assignment: Node, node: Node): boolean {
  const scope = closest(assignment, scopeTypes);
  return scope !== undefined && scope.startIndex <= node.startIndex && node.endIndex <= scope.endIndex;
}

function elementPath(call: Node): ElementPath | undefined {
  const holder = call.parent;
  if (holder === null) return undefined;
  if (holder.type === 'assignment') return assignedPath(holder, call);
  const found = placeIn(holder, call);
  const outer = found === undefined ? undefined : elementPath(found.container);
  return outer === undefined || found === undefined
    ? undefined
    : { root: outer.root, path: [...outer.path, found.name] };
}

function assignedPath(assignment: Node, value: Node): ElementPath | undefined {
  const left = assignment.childForFieldName('left');
  if (left === null || assignment.childForFieldName('right')?.equals(value) !== true) return undefined;
  if (left.type === 'identifier') return { root: left, path: [] };
  const object = left.type === 'attribute' ? left.childForFieldName('object') : null;
  const attribute = left.childForFieldName('attribute');
  if (object?.type !== 'identifier' || attribute === null) return undefined;
  return { root: object, path: [attribute.text] };
}

/** Name of an element in its container: `nn.Sequential(a, b)`, `nn.ModuleList([a, b])`, and containers with keys. */
function placeIn(
  holder: Node,
  element: Node,
): { readonly container: Node; readonly name: string } | undefined {
  if (holder.type === 'argument_list') {
    return isCallOf(holder.parent, 'Sequential') ? at(holder.parent, indexIn(holder, element)) : undefined;
  }
  if (holder.type === 'list') {
    const call = callWith(holder);
    return isCallOf(call, 'ModuleList') ? at(call, indexIn(holder, element)) : undefined;
  }
  const [first] = partsOf(holder);
  const key = first === undefined ? undefined : plainString(first)?.text;
  if (key === undefined || holder.parent === null) return undefined;
  if (holder.type === 'pair') {
    const call = callWith(holder.parent);
    return isCallOf(call, 'ModuleDict') ? { container: call, name: key } : undefined;
  }
  if (holder.type !== 'tuple' || partsOf(holder).length !== 2) return undefined;
  const ordered = callWith(holder.parent);
  const call = isCallOf(ordered, 'OrderedDict') ? callWith(ordered) : undefined;
  return isCallOf(call, 'Sequential', 'ModuleDict') ? { container: call, name: key } : undefined;
}

function at(container: Node, index: number): { readonly container: Node; readonly name: string } | undefined {
  return index < 0 ? undefined : { container, name: String(index) };
}

/** After a starred element nobody can count. */
function indexIn(holder: Node, element: Node): number {
  const parts = partsOf(holder);
  const index = parts.findIndex((part) => part.equals(element));
  const isCountable = parts.slice(0, index).every(({ type }) => !/splat|keyword_argument/u.test(type));
  return isCountable ? index : -1;
}

/** The call that a node is the only argument of. */
function callWith(argument: Node): Node | undefined {
  const list = argument.parent;
  return list?.type === 'argument_list' && partsOf(list).length === 1
    ? (list.parent ?? undefined)
    : undefined;
}

function isCallOf(node: Node | null | undefined, ...names: readonly string[]): node is Node {
  const callee = node?.type === 'call' ? node.childForFieldName('function') : undefined;
  const name = callee?.childForFieldName('attribute') ?? callee;
  return name !== undefined && name !== null && names.includes(name.text);
}

function givenName(call: Node): string | undefined {
  const list = call.childForFieldName('arguments');
  if (list === null) return undefined;
  for (const argument of partsOf(list)) {
    if (argument.type !== 'keyword_argument' || argument.childForFieldName('name')?.text !== 'name') continue;
    const value = argument.childForFieldName('value');
    return value === null ? undefined : plainString(value)?.text;
  }
  return undefined;
}

function isNamingString(node: Node): boolean {
  const { parent } = node;
  if (parent?.type === 'keyword_argument') return parent.childForFieldName('name')?.text === 'name';
  return parent?.type === 'argument_list' && isCallOf(parent.parent, 'add_module', 'register_module');
}
