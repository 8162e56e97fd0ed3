import type { DrawnNode, ModelGraph } from '../../../../src/protocol/structure.js';
import { nodeName } from './graphTree.js';

/** Parts of a node that a search may be about. */
const searchFields = ['name', 'op', 'attr', 'shape', 'in'] as const;

type SearchField = (typeof searchFields)[number];

/** One thing that a node must have. */
interface Term {
  /** Absent: anywhere. */
  readonly field: SearchField | undefined;
  /** In lower case. */
  readonly word: string;
  /** Operators are meant whole: `op:Conv` is not `ConvTranspose`. */
  readonly isWhole: boolean;
}

/**
 * Searches a graph's nodes by name, operator, attribute and shape.
 *
 * `conv 64` finds nodes with both words anywhere; `op:Conv`, `attr:strides=[2`, `shape:64×28`, `name:layer1` and
 * `in:features.3` say where the word must stand.
 */
export class GraphSearch {
  private readonly texts: readonly Readonly<Record<SearchField, string>>[];

  constructor(private readonly graph: ModelGraph) {
    const modules = modulePaths(graph);
    this.texts = graph.nodes.map((node) => fieldsOf(node, modules));
  }

  /** Returns the ids of the nodes that a search finds, in file order; none for an empty one. */
  find(text: string): number[] {
    const terms = parseSearch(text);
    if (terms.length === 0) return [];
    return this.graph.nodes.filter(({ id }) => terms.every((term) => this.has(id, term))).map(({ id }) => id);
  }

  private has(id: number, { field, word, isWhole }: Term): boolean {
    const texts = this.texts[id];
    if (texts === undefined) return false;
    if (field === undefined) {
      return ['name', 'op', 'attr', 'shape'].some((each) => texts[each as SearchField].includes(word));
    }
    if (isWhole) return texts[field].split('\n').includes(word);
    return texts[field].includes(word);
  }
}

/** Returns the terms of a search. */
export function parseSearch(text: string): Term[] {
  return text
    .toLowerCase()
    .split(/\s+/)
    .filter((part) => part !== '')
    .flatMap((part): Term[] => {
      const field = searchFields.find((name) => part.startsWith(`${name}:`));
      if (field === undefined) return [{ field, word: part, isWhole: false }];
      const word = part.slice(field.length + 1);
      if (word === '') return [];
      // People write a shape with x; the multiplication sign is not on keyboards.
      const shape = field === 'shape' ? word.replaceAll(/[x*,]/g, '×').replaceAll(/[[\]]/g, '') : word;
      return [{ field, word: shape, isWhole: field === 'op' }];
    });
}

function fieldsOf(node: DrawnNode, modules: readonly string[]): Readonly<Record<SearchField, string>> {
  const { operator, layer, inputs, sources, outputs, attributes, shapes, module } = node;
  // Other values are found where they are made.
  const constants = inputs.filter((_, index) => sources[index] === null);
  const known = shapes.filter((shape) => shape !== null).map((shape) => shape.map((size) => size ?? '?'));
  return {
    name: lines([nodeName(node), layer ?? '', ...outputs, ...constants]),
    // A name without its domain is what people type.
    op: lines([operator, operator.split(':').at(-1) ?? '']),
    attr: lines(attributes.map(([name, value]) => `${name}=${value}`.replaceAll(' ', ''))),
    shape: lines(known.flatMap((sizes) => [sizes.join('×'), `[${sizes.join(',')}]`])),
    in: module === null ? '' : (modules[module] ?? ''),
  };
}

function lines(texts: readonly string[]): string {
  return texts.join('\n').toLowerCase();
}

/** Names of each module and of all around it. */
function modulePaths({ modules }: ModelGraph): string[] {
  const paths: string[] = [];
  for (const { name, parent } of modules) {
    paths.push(lines([...(parent === null ? [] : [paths[parent] ?? '']), name]));
  }
  return paths;
}
