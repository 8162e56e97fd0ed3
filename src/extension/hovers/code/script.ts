import type { Node } from '@vscode/tree-sitter-wasm';
import type { AxisIndex, ChainStep, EnclosingClass } from '../reference.js';
import { closest, type Language, type Link, numberIndex, partsOf, selectingMethods } from './language.js';
import { nodesBefore, nodesWith, settingPattern } from './textSearch.js';
import { TreeMemo } from './treeMemo.js';

/** How TypeScript and JavaScript write chains, strings, classes and containers of layers. */
export const script: Language = {
  linkOf,
  unwrapped: (node) => (wrapperTypes.has(node.type) ? partsOf(node)[0] : undefined),
  isSelf: (node) => node.type === 'this',
  plainString,
  commentTypes: new Set(['comment']),
  stringTypes: new Set(['string', 'template_string']),
  indexTypes: new Set(['string', 'string_fragment', 'template_string', 'number', 'unary_expression']),
  enclosingClass,
  moduleNames,
  lastValue,
  // Elements of `tf.sequential({ layers: […] })` go by the name they are given.
  elementPath: () => undefined,
  givenName,
  isNamingString,
  fieldName,
};

const wrapperTypes: ReadonlySet<string> = new Set([
  'parenthesized_expression',
  'non_null_expression',
  'as_expression',
  'satisfies_expression',
  'await_expression',
]);

function linkOf(node: Node): Link | undefined {
  switch (node.type) {
    case 'member_expression':
      return memberLink(node);
    case 'subscript_expression':
      return subscriptLink(node);
    case 'call_expression':
      return callLink(node);
    default:
      return undefined;
  }
}

function memberLink(node: Node): Link | undefined {
  const object = node.childForFieldName('object');
  const property = node.childForFieldName('property');
  if (object === null || property === null) return undefined;
  return {
    object,
    step: { kind: 'name', name: property.text, start: property.startIndex, end: property.endIndex },
  };
}

function subscriptLink(node: Node): Link | undefined {
  const object = node.childForFieldName('object');
  const index = node.childForFieldName('index');
  if (object === null || index === null) return undefined;
  const span = { start: object.endIndex, end: node.endIndex };
  const key = plainString(index);
  if (key !== undefined) {
    return { object, step: { kind: 'key', text: key.text, textStart: key.start, ...span } };
  }
  return { object, step: { kind: 'indices', indices: [axisIndex(index)], ...span } };
}

/** Arrays of JavaScript do not count from the end. */
function axisIndex(node: Node): AxisIndex {
  return node.type === 'number' ? numberIndex(node.text) : { kind: 'unknown' };
}

function callLink(node: Node): Link | undefined {
  const callee = node.childForFieldName('function');
  const list = node.childForFieldName('arguments');
  if (callee === null || list === null) return undefined;
  const method = callee.type === 'member_expression' ? callee.childForFieldName('property') : null;
  const object = callee.childForFieldName('object');
  const [first] = partsOf(list);
  const key = first === undefined ? undefined : plainString(first);
  if (method !== null && object !== null && key !== undefined && selectingMethods.has(method.text)) {
    const span = { start: method.startIndex, end: list.endIndex };
    return { object, step: { kind: 'key', text: key.text, textStart: key.start, ...span } };
  }
  const step: ChainStep = { kind: 'call', start: list.startIndex, end: list.endIndex };
  return { object: callee, step };
}

function plainString(node: Node): ReturnType<Language['plainString']> {
  if (node.type !== 'string' && node.type !== 'template_string') return undefined;
  if (node.namedChildren.some((child) => child?.type === 'template_substitution')) return undefined;
  return { text: node.text.slice(1, -1), start: node.startIndex + 1, end: node.endIndex - 1 };
}

const classTypes: ReadonlySet<string> = new Set(['class_declaration', 'class', 'abstract_class_declaration']);

const fieldTypes = ['public_field_definition', 'field_definition'];

const classesByTree = new TreeMemo<EnclosingClass>();

function enclosingClass(node: Node): EnclosingClass | undefined {
  const around = closest(node, classTypes);
  return around === undefined
    ? undefined
    : classesByTree.get(node.tree, around.startIndex, () => classOf(around));
}

function classOf(around: Node): EnclosingClass {
  const members = new Set<string>();
  for (const field of around.descendantsOfType(fieldTypes)) {
    const name = (field?.childForFieldName('name') ?? field?.childForFieldName('property'))?.text;
    if (name !== undefined) members.add(name);
  }
  for (const assignment of around.descendantsOfType('assignment_expression')) {
    const left = assignment?.childForFieldName('left');
    if (left?.type !== 'member_expression' || left.childForFieldName('object')?.type !== 'this') continue;
    const name = left.childForFieldName('property')?.text;
    if (name !== undefined) members.add(name);
  }
  return { name: around.childForFieldName('name')?.text ?? '', members: [...members] };
}

const moduleNamesByTree = new TreeMemo<ReadonlySet<string>>();

/** `import * as tf from …` binds a module; a default import or `{ net }` may be a network. */
function moduleNames(root: Node): ReadonlySet<string> {
  return moduleNamesByTree.get(root.tree, 0, () => {
    const names = new Set(['tf', 'ort', 'Math', 'JSON', 'Object', 'console', 'process']);
    for (const node of nodesWith(root, /^import\s*\*/gmu)) {
      const statement = closest(node, new Set(['import_statement']));
      for (const namespace of statement?.descendantsOfType('namespace_import') ?? []) {
        const bound = namespace?.namedChild(0);
        if (bound !== null && bound !== undefined) names.add(bound.text);
      }
    }
    return names;
  });
}

const scopeTypes: ReadonlySet<string> = new Set(['statement_block', 'program']);

function lastValue(node: Node): Node | undefined {
  for (const found of nodesBefore(node, settingPattern(node.text))) {
    const declarator = found.parent;
    if (declarator?.type !== 'variable_declarator' || declarator.endIndex > node.startIndex) continue;
    const value = declarator.childForFieldName('value');
    if (declarator.childForFieldName('name')?.equals(found) !== true || value === null) continue;
    const scope = closest(declarator, scopeTypes);
    if (scope !== undefined && node.endIndex <= scope.endIndex) return value;
  }
  return undefined;
}

/** `tf.layers.dense({ units: 256, name: 'fc1' })`. */
function givenName(call: Node): string | undefined {
  const list = call.childForFieldName('arguments');
  const options = list === null ? undefined : partsOf(list).find(({ type }) => type === 'object');
  for (const pair of options === undefined ? [] : partsOf(options)) {
    if (pair.type !== 'pair' || keyOf(pair) !== 'name') continue;
    const value = pair.childForFieldName('value');
    return value === null ? undefined : plainString(value)?.text;
  }
  return undefined;
}

function keyOf(pair: Node): string | undefined {
  const key = pair.childForFieldName('key');
  return key === null ? undefined : (plainString(key)?.text ?? key.text);
}

function isNamingString(node: Node): boolean {
  const { parent } = node;
  if (parent?.type !== 'pair' || keyOf(parent) !== 'name') return false;
  return parent.childForFieldName('value')?.equals(node) === true;
}

function fieldName(node: Node): string | undefined {
  const { parent } = node;
  if (parent === null || !fieldTypes.includes(parent.type)) return undefined;
  const name = parent.childForFieldName('name') ?? parent.childForFieldName('property');
  return name?.equals(node) === true ? name.text : undefined;
}
