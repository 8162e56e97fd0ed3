// What stands in a document at a position and may name a layer or a neuron. Reading a document knows no model; only
// `resolveReference` tells whether a model has what is named. Offsets count UTF-16 units from the document's start.

/** A part of a document. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Text that may be an address. */
export interface TextReference extends Span {
  readonly kind: 'text';
  readonly text: string;
  /**
   * Whether a plain word may name a layer: `classifier` where only layers are named. Elsewhere a word needs a digit, a dot
   * or another sign that it is no word of the language.
   */
  readonly isWordEnough: boolean;
}

/** An index of an axis in code. */
export type AxisIndex =
  | { readonly kind: 'number'; readonly value: number }
  /** Keeps the axis: `:`, `1:3`. */
  | { readonly kind: 'slice' }
  | { readonly kind: 'ellipsis' }
  /** `None`, `np.newaxis`: adds an axis. */
  | { readonly kind: 'new-axis' }
  /** A variable, a list, a mask: what it leaves is not known. */
  | { readonly kind: 'unknown' };

/** A link of a chain such as `.features`, `[3]`, `["features.3"]`, `(x)`. */
export type ChainStep = Span &
  (
    | { readonly kind: 'name'; readonly name: string }
    /** A string that selects: `["features.3"]`, `.get("features.3")`, `.get_layer("fc1")`. */
    | { readonly kind: 'key'; readonly text: string; readonly textStart: number }
    /** One pair of brackets. */
    | { readonly kind: 'indices'; readonly indices: readonly AxisIndex[] }
    | { readonly kind: 'call' }
  );

/** What a chain starts from. */
export type ChainRoot =
  /** `self`, `this`: an object of the class around. */
  | { readonly kind: 'self'; readonly enclosing: EnclosingClass | undefined }
  /** A module: `np`, `torch`; never a network. */
  | { readonly kind: 'module' }
  /** Any other variable. */
  | { readonly kind: 'variable'; readonly name: string }
  /** Another expression: `f(x)`, `(a or b)`. */
  | { readonly kind: 'expression' };

/** A class whose objects hold layers. */
export interface EnclosingClass {
  readonly name: string;
  /** Names assigned to `self` or declared as fields. */
  readonly members: readonly string[];
}

/** An expression that may lead to a layer, a weight or an activation: `model.features[3].weight[42]`. */
export interface ChainReference {
  readonly kind: 'chain';
  readonly root: ChainRoot;
  readonly steps: readonly ChainStep[];
  /** Where the person points. */
  readonly offset: number;
  /** An element of a container: only a layer that all steps name is meant, not the container. */
  readonly isElement?: boolean;
}

/** What may be meant at a position. */
export type Reference = TextReference | ChainReference;
