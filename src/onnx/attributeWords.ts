import { inlineValue } from './loadTensor.js';
import type { Attribute, GraphNode, SparseTensor, Tensor } from './model.js';
import { shapeWords, typeWords } from './typeWords.js';

/** Longer values are cut, so that a table of a million numbers costs nothing. */
const maxLength = 200;

/** More elements than this never fit into `maxLength`. */
const shownElementCount = 100;

/** Returns a node's attributes in words, in file order, values cut at 200 characters. */
export function attributeWords(node: GraphNode): (readonly [string, string])[] {
  return [...node.attributes].map(([name, attribute]) => [name, cut(valueWords(attribute))] as const);
}

function valueWords(attribute: Attribute): string {
  switch (attribute.kind) {
    case 'float':
      return number(attribute.value);
    case 'int':
      return attribute.value.toString();
    case 'string':
      return attribute.value;
    case 'tensor':
      return tensorWords(attribute.value);
    case 'sparse-tensor':
      return sparseWords(attribute.value);
    case 'graph':
      return `graph of ${counted(attribute.value.nodes.length, 'node')}`;
    case 'type':
      return typeWords(attribute.value);
    case 'floats':
      return list(attribute.value, number);
    case 'ints':
      return list(attribute.value, String);
    case 'strings':
      return list(attribute.value, (text) => JSON.stringify(text));
    case 'tensors':
      return counted(attribute.value.length, 'tensor');
    case 'graphs':
      return counted(attribute.value.length, 'graph');
    case 'types':
      return list(attribute.value, typeWords);
    case 'ref':
      return `attribute ${attribute.name} of the call`;
  }
}

function list<T>(values: readonly T[], words: (value: T) => string): string {
  const shown = values.slice(0, shownElementCount).map(words).join(', ');
  return `[${shown}${values.length > shownElementCount ? ', …' : ''}]`;
}

/** Seven digits tell float32 numbers apart: 0.1 is written so, not 0.10000000149. */
function number(value: number): string {
  return String(Number(value.toPrecision(7)));
}

function tensorWords(tensor: Tensor): string {
  const type = `${tensor.elementType} ${shapeWords(tensor.dims)}`;
  const value = isSmall(tensor) ? inlineValue(tensor) : undefined;
  if (value === undefined) return type;
  const elements = Array.isArray(value.data)
    ? list(value.data, (text) => JSON.stringify(text))
    : list([...value.data].map(Number), number);
  // Packed bits of small floats are no numbers to read.
  return isReadable(tensor) ? `${type} ${elements}` : type;
}

function isSmall({ source }: Tensor): boolean {
  return (
    source.kind === 'strings' || (source.kind === 'inline' && source.bytes.length <= 8 * shownElementCount)
  );
}

function isReadable({ elementType }: Tensor): boolean {
  return /^(float(32|64)|u?int|bool|string)/.test(elementType);
}

function sparseWords({ values, dims }: SparseTensor): string {
  return `sparse ${values.elementType} ${shapeWords(dims)}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function cut(text: string): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`;
}
