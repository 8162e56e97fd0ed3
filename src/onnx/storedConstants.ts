import type { GraphView } from './layers/graphView.js';
import type { Layer, LayerTable } from './layers/layer.js';
import type { Attribute, Graph, GraphNode, Tensor } from './model.js';
import { operandRole } from './operandRoles.js';

/** A constant that a graph stores. */
export interface StoredConstant {
  /** Unique in the model: of equal names, which bodies and functions can have, later ones get `_1`, `_2`. */
  readonly name: string;
  /** For a sparse constant, the values that are stored. */
  readonly tensor: Tensor;
  /** Shape of the constant; the stored values of a sparse one have another. */
  readonly dims: readonly number[];
  /** Layer that reads it first, if any. */
  readonly layer: string | null;
  /** What it is for where it is read first: `weight`, `bias`, `shape`; empty when its reader does not tell. */
  readonly role: string;
}

/**
 * Returns every constant of a model, with what reads it: of each graph its initializers in file order, then what its
 * nodes hold. Layers come before other readers, and a constant behind Transpose, Cast, DequantizeLinear and the like is
 * read by what reads their result.
 */
export function storedConstants({ views, layers }: LayerTable): StoredConstant[] {
  const finder = new Finder(views);
  const viewOf = new Map(views.flatMap((view) => view.graph.nodes.map((node) => [node, view] as const)));
  for (const layer of layers) {
    if (layer.kind === 'scope') continue;
    for (const node of layer.nodes) finder.addReader(node, viewOf.get(node), layer);
  }
  for (const [node, view] of viewOf) finder.addReader(node, view);
  const names = new Set<string>();
  return finder.stored().map(({ name, tensor, dims, use }) => ({
    ...{ name: unique(name, names), tensor, dims },
    ...{ layer: use?.layer ?? null, role: roleOf(use, dims) },
  }));
}

function unique(name: string, names: Set<string>): string {
  let free = name;
  for (let i = 1; names.has(free); i++) free = `${name}_${i}`;
  names.add(free);
  return free;
}

/** A lone number that is added or multiplied is part of a formula (an epsilon, a half), not trained for a unit. */
function roleOf(use: Use | undefined, dims: readonly number[]): string {
  const role = use?.role ?? '';
  return dims.length === 0 && ['bias', 'factor', 'scale'].includes(role) ? '' : role;
}

/** What a constant is for. */
interface Use {
  readonly layer: string | null;
  readonly role: string;
}

interface Stored {
  readonly name: string;
  readonly tensor: Tensor;
  readonly dims: readonly number[];
  /** How it is read first. */
  use?: Use;
}

/** Finds what graphs store and what reads it. */
class Finder {
  private readonly stores = new Map<Graph, ReadonlyMap<string, Stored>>();
  /** What a node's attribute holds is the same object in every call of a function. */
  private readonly byAttribute = new Map<Attribute, Stored>();

  constructor(views: readonly GraphView[]) {
    for (const { graph } of views) this.stores.set(graph, this.storeOf(graph));
  }

  /** Returns each constant once, in file order. */
  stored(): readonly Stored[] {
    return [...new Set([...this.stores.values()].flatMap((store) => [...store.values()]))];
  }

  /** Notes what a node reads or holds, unless something else reads it already. */
  addReader(node: GraphNode, view: GraphView | undefined, layer?: Layer): void {
    if (view === undefined) return;
    const name = layer?.name ?? null;
    for (const [operand, input] of node.inputs.entries()) {
      this.addUse(view, input, { layer: name, role: roleIn(layer, node, operand) });
    }
    for (const [attributeName, attribute] of node.attributes) {
      const held = this.byAttribute.get(attribute);
      if (held !== undefined && !isConstant(node)) held.use ??= { layer: name, role: attributeName };
    }
  }

  private addUse(view: GraphView, name: string, use: Use): void {
    if (name === '') return;
    const stored = this.stores.get(view.graph)?.get(name);
    if (stored !== undefined) {
      stored.use ??= use;
      return;
    }
    const producer = view.index.producerOf(name);
    if (producer === undefined) {
      const outer = view.outerValue(name);
      if (outer !== undefined) this.addUse(outer.view, outer.name, use);
      return;
    }
    if (!view.constants.has(name)) return;
    for (const [operand, input] of producer.inputs.entries()) {
      this.addUse(view, input, operand === 0 ? use : { ...use, role: operandRole(producer, operand) });
    }
  }

  /** Returns what a graph stores, by value name. */
  private storeOf(graph: Graph): ReadonlyMap<string, Stored> {
    const store = new Map<string, Stored>();
    for (const [name, tensor] of graph.initializers) store.set(name, { name, tensor, dims: tensor.dims });
    for (const { values, dims } of graph.sparseInitializers) {
      store.set(values.name, { name: values.name, tensor: values, dims });
    }
    for (const node of graph.nodes) {
      const output = node.outputs[0] ?? '';
      for (const [attributeName, attribute] of node.attributes) {
        if (!isConstant(node) && !isCoefficients(node, attribute)) continue;
        const name = isConstant(node) ? output : `${output}/${attributeName}`;
        const stored = this.byAttribute.get(attribute) ?? storedAttribute(name, attribute);
        if (stored === undefined) continue;
        this.byAttribute.set(attribute, stored);
        store.set(name, stored);
      }
    }
    return store;
  }
}

/** The last step of a normalisation written out is a Mul. */
function roleIn(layer: Layer | undefined, node: GraphNode, operand: number): string {
  const isScaling = layer?.kind === 'normalization' && node.opType === 'Mul';
  return isScaling ? 'scale' : operandRole(node, operand);
}

function isConstant({ opType, domain }: GraphNode): boolean {
  return opType === 'Constant' && domain === '';
}

/** Classical models keep their coefficients in attributes. */
function isCoefficients({ domain }: GraphNode, attribute: Attribute): boolean {
  return domain === 'ai.onnx.ml' && attribute.kind === 'floats' && attribute.value.length > 1;
}

function storedAttribute(name: string, attribute: Attribute): Stored | undefined {
  switch (attribute.kind) {
    case 'tensor':
      return { name, tensor: attribute.value, dims: attribute.value.dims };
    case 'sparse-tensor':
      return { name, tensor: attribute.value.values, dims: attribute.value.dims };
    case 'float':
      return numbers(name, 'float32', { elements: Float32Array.of(attribute.value), dims: [] });
    case 'floats':
      return numbers(name, 'float32', { elements: Float32Array.from(attribute.value) });
    case 'int':
      return numbers(name, 'int64', { elements: BigInt64Array.of(attribute.value), dims: [] });
    case 'ints':
      return numbers(name, 'int64', { elements: BigInt64Array.from(attribute.value) });
    case 'string':
      return strings(name, [attribute.value], []);
    case 'strings':
      return strings(name, attribute.value, [attribute.value.length]);
    default:
      return undefined;
  }
}

function numbers(
  name: string,
  elementType: 'float32' | 'int64',
  given: { readonly elements: Float32Array | BigInt64Array; readonly dims?: readonly number[] },
): Stored {
  const { elements, dims = [elements.length] } = given;
  const bytes = new Uint8Array(elements.buffer);
  return { name, dims, tensor: { name, elementType, dims, source: { kind: 'inline', bytes } } };
}

function strings(name: string, values: readonly string[], dims: readonly number[]): Stored {
  return { name, dims, tensor: { name, elementType: 'string', dims, source: { kind: 'strings', values } } };
}
