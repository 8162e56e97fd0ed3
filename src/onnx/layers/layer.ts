import type { Dimension, GraphNode } from '../model.js';
import type { ActivationFamily } from './activationFamilies.js';

/** What a layer is. An enum of the contract: it only grows. */
export const layerKinds = [
  'conv',
  'dense',
  'recurrent',
  'embedding',
  'normalization',
  'activation',
  'gate',
  'attention',
  'classifier',
  'regressor',
  'block',
  'scope',
] as const;

/** What a layer is. */
export type LayerKind = (typeof layerKinds)[number];

/** A layer: an operator with weights, an activation, a normalisation, a recognised block, or a scope that holds one. */
export interface Layer {
  /** Unique in the model; the first part of an address. */
  readonly name: string;
  /** The exporter's own name (the node's name as written, or the scope), accepted as an address too. */
  readonly path: string;
  /** Name of the scope layer around it; null at the root. */
  readonly parent: string | null;
  /** Position of its first node in file order, bodies right after the node that holds them. */
  readonly index: number;
  readonly kind: LayerKind;
  /** The operator or composite: `Conv`, `Relu`, `Silu`, `LayerNormalization`; empty for scopes. */
  readonly operator: string;
  /** Units along the unit axis; null where no axis applies or the size is open. */
  readonly unitCount: number | null;
  /** Axis of the output that counts units, from the front; from the end (negative) where the rank is open; or null. */
  readonly unitAxis: number | null;
  /** Elements of its weight, bias and scale; a tied constant counts in each layer that uses it. */
  readonly parameterCount: number;
  /** Name of the value that is the layer's output, bias included. */
  readonly output: string;
  /** Further outputs of a scope, addressed as `scope:1`, `scope:2`. */
  readonly furtherOutputs: readonly string[];
  readonly shape: readonly Dimension[] | null;
  /** Recognised blocks this layer is: `mlp`, `attention`. */
  readonly blocks: readonly string[];
  /** Its nodes, in file order; for a scope all nodes inside. */
  readonly nodes: readonly GraphNode[];
  /** Value that enters it: the data operand; null for scopes. */
  readonly input: string | null;
  /** Whether it stands inside an If, Loop or Scan body or a function, where values cannot be tapped. */
  readonly isInBody: boolean;
  /** How units of an activation are judged; null for anything that is no activation (gates have none). */
  readonly family: ActivationFamily | null;
  /** Where the states of its units are taken from. */
  readonly states: StateSource;
}

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

/** Every layer of a model, in file order, scopes before what they hold. */
export interface LayerTable {
  readonly layers: readonly Layer[];
  readonly byName: ReadonlyMap<string, Layer>;
  readonly mlps: readonly Mlp[];
  readonly attentions: readonly AttentionHeads[];
  readonly counts: ConstantCounts;
}

/** Elements of the model's constants by what they are for; a tied constant counts once. */
export interface ConstantCounts {
  readonly parameterCount: number;
  readonly bufferCount: number;
  readonly constantCount: number;
}
