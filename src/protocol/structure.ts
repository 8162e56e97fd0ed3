import type { Inspection, LayerKind } from './inspection.js';

// What an editor knows of a model without running it: small enough to keep, whole enough to resolve any address.

/** A dimension: a size, the name of an open one, or null when nothing is known. */
export type StructureDimension = number | string | null;

/** Where the states of a layer's units are taken from. */
export type StateSource =
  /** The activation layer of this name (for an activation: itself). */
  | { readonly kind: 'activation'; readonly layer: string }
  /** Nowhere: `reason` completes "not judged: …"; `next` is the next activation downstream, if any. */
  | { readonly kind: 'not-judged'; readonly reason: string; readonly next: string | null };

/** An MLP: what enters its down projection is `mlp.hidden[u]`. */
export interface Mlp {
  /** Scope of the MLP: `blocks.3.mlp`. */
  readonly name: string;
  /** Number of the block: what `L3N42` counts by. */
  readonly block: number;
  /** Value that enters the down projection: act(fc1), or act(gate) × up. */
  readonly hidden: string;
  readonly unitCount: number | null;
  readonly downProjection: string;
}

/** An attention block: its probabilities are addressed as `layer.head[i]`. */
export interface AttentionHeads {
  readonly name: string;
  /** Softmax output, heads on `headAxis`. */
  readonly probabilities: string;
  readonly headAxis: number;
  readonly headCount: number | null;
}

/** What resolving an address needs to know of a layer. */
export interface AddressedLayer {
  /** Unique in the model; the first part of an address. */
  readonly name: string;
  /** The exporter's own name, accepted as an address too. */
  readonly path: string;
  /** Name of the scope layer around it; null at the root. */
  readonly parent: string | null;
  readonly kind: LayerKind;
  /** The operator or composite: `Conv`, `Relu`, `LayerNormalization`; empty for scopes. */
  readonly operator: string;
  /** Units along the unit axis; null where no axis applies or the size is open. */
  readonly unitCount: number | null;
  /** Axis of the output that counts units, from the front; from the end (negative) where the rank is open; or null. */
  readonly unitAxis: number | null;
  /** Axis of the output that counts samples: 0, but for recurrent operators that put time first. */
  readonly batchAxis: number;
  /** Name of the value that is the layer's output, bias included. */
  readonly output: string;
  /** Further outputs of a scope, addressed as `scope:1`, `scope:2`. */
  readonly furtherOutputs: readonly string[];
  readonly shape: readonly StructureDimension[] | null;
  /** Whether it stands inside an If, Loop or Scan body or a function, where values cannot be tapped. */
  readonly isInBody: boolean;
  /** Where the states of its units are taken from. */
  readonly states: StateSource;
}

/** All that addresses of a model are resolved against. */
export interface AddressTable {
  /** In file order, scopes before what they hold. */
  readonly layers: readonly AddressedLayer[];
  readonly byName: ReadonlyMap<string, AddressedLayer>;
  readonly mlps: readonly Mlp[];
  readonly attentions: readonly AttentionHeads[];
}

/** Size and time of a model file: what tells that it changed since. */
export interface FileStamp {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** The answer to `structure`: the `inspect --json` document, and what addresses are resolved against. */
export interface ModelStructure {
  readonly inspection: Inspection;
  readonly addresses: AddressTable;
  /** Metadata of the file, in file order: name and text. */
  readonly metadata: readonly (readonly [string, string])[];
  readonly stamp: FileStamp;
}

/** One node of the graph, as drawn. */
export interface DrawnNode {
  /** Position in the file, bodies right after the node that holds them; unique. */
  readonly id: number;
  readonly name: string;
  /** Operator with its domain when that is not ai.onnx: `Conv`, `com.microsoft:Gelu`. */
  readonly operator: string;
  /** Modules around it, outermost first; empty at the root. */
  readonly modules: readonly string[];
  /** Name of the layer it belongs to, if any. */
  readonly layer: string | null;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes in words: name, and a value cut at 200 characters. */
  readonly attributes: readonly (readonly [string, string])[];
  /** Shape of each output, where known. */
  readonly shapes: readonly (readonly StructureDimension[] | null)[];
  /** Elements of the constants it reads. */
  readonly parameterCount: number;
}

/** A model's graph, ready to be drawn: nodes with their modules, edges by value names. No weight is in it. */
export interface ModelGraph {
  readonly nodes: readonly DrawnNode[];
  /** Names of the graph's inputs and outputs, with type and shape in words. */
  readonly inputs: readonly { readonly name: string; readonly type: string }[];
  readonly outputs: readonly { readonly name: string; readonly type: string }[];
}

/** A constant tensor of a model. */
export interface WeightInfo {
  readonly name: string;
  /** Layer that reads it first, if any. */
  readonly layer: string | null;
  /** What it is for that layer: `weight`, `bias`, `scale`, …; empty when not known. */
  readonly role: string;
  readonly dtype: string;
  readonly dims: readonly number[];
  readonly sizeBytes: number;
}

/** Statistics of one constant tensor, read on request. */
export interface WeightStatistics {
  readonly name: string;
  readonly elementCount: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly mean: number;
  /** Population standard deviation. */
  readonly standardDeviation: number;
  readonly zeroCount: number;
  readonly nanCount: number;
  readonly infiniteCount: number;
  /** `counts.length + 1` edges, ascending; both empty when no element is finite or the dtype holds no numbers. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}
