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

/** Where a value comes from: the id of a node, or −1 − k for input k of the graph; null for constants and the like. */
export type DrawnSource = number | null;

/** One node of the graph, as drawn. A function is drawn inside each of its calls. */
export interface DrawnNode {
  /** Position in drawing order, nodes of a body or function right after the node that holds them; its index in `nodes`. */
  readonly id: number;
  readonly name: string;
  /** Operator with its domain when that is not ai.onnx: `Conv`, `com.microsoft:Gelu`. */
  readonly operator: string;
  /** The module it stands in: its index in `modules`; null at the root. */
  readonly module: number | null;
  /** Name of the layer it belongs to, if any. */
  readonly layer: string | null;
  readonly inputs: readonly string[];
  /** Where each input comes from. What a body takes by position comes from what its node was given there. */
  readonly sources: readonly DrawnSource[];
  readonly outputs: readonly string[];
  /** Where the outputs of its bodies, or of the function it calls, come from, as in `sources`. */
  readonly results: readonly number[];
  /** Attributes in words: name, and a value cut at 200 characters. */
  readonly attributes: readonly (readonly [string, string])[];
  /** Shape of each output, where known. */
  readonly shapes: readonly (readonly StructureDimension[] | null)[];
  /** Elements of the constants it reads. */
  readonly parameterCount: number;
}

/**
 * What nodes are drawn inside: a scope of the exporter, called as layers are (`features.3`); a layer of several nodes; a
 * node that holds bodies or calls a function, which stands inside its own module; one of several bodies.
 */
export interface DrawnModule {
  readonly name: string;
  /** Index of the module around it, which comes before it; null at the root. */
  readonly parent: number | null;
  /** Id of the node whose bodies or function it holds; null for a scope or layer. */
  readonly holder: number | null;
}

/** A value that enters or leaves a graph, with its type and shape in words. */
export interface DrawnValue {
  readonly name: string;
  readonly type: string;
}

/** A recognised sub-graph: what it is, and its nodes. */
export interface DrawnBlock {
  /** As `inspect --json` names it. */
  readonly name: string;
  /** Its kind: `residual`. */
  readonly kind: string;
  /** Empty where a kind has no variants. */
  readonly variant: string;
  /** Ids of its nodes, in drawing order. */
  readonly nodes: readonly number[];
}

/** A model's graph, ready to be drawn. No weight is in it. */
export interface ModelGraph {
  readonly modules: readonly DrawnModule[];
  readonly nodes: readonly DrawnNode[];
  readonly inputs: readonly DrawnValue[];
  readonly outputs: readonly (DrawnValue & { readonly source: DrawnSource })[];
  /** Smaller ones before those around them. */
  readonly blocks: readonly DrawnBlock[];
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

/** Statistics of the finite elements of one constant tensor, read on request; null where there is none. */
export interface WeightStatistics {
  readonly name: string;
  readonly elementCount: number;
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly mean: number | null;
  /** Population standard deviation. */
  readonly standardDeviation: number | null;
  readonly zeroCount: number;
  readonly nanCount: number;
  readonly infiniteCount: number;
  /** `counts.length + 1` edges, ascending; both empty when no element is finite or the dtype holds no numbers. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}
