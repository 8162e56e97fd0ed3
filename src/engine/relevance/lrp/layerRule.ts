/** How a dense or convolution layer shares its relevance out over its inputs; `epsilon` keeps its sums from 0. */
export type LayerRule =
  | { readonly kind: 'epsilon'; readonly epsilon: number }
  | {
      readonly kind: 'gamma';
      readonly gamma: number;
      readonly epsilon: number;
      readonly isBiasStrengthened: boolean;
    }
  | { readonly kind: 'alpha-beta'; readonly alpha: number; readonly epsilon: number }
  | { readonly kind: 'box'; readonly low: number; readonly high: number; readonly epsilon: number };

/** Which rule each kind of layer follows. */
export interface LayerRules {
  readonly convolution: LayerRule;
  readonly dense: LayerRule;
  /** Convolutions that read the explained input itself; default as other convolutions. */
  readonly first?: LayerRule;
  /** Share of relevance that pools lose to the stabiliser: |z|/(|z| + ε). */
  readonly poolEpsilon: number;
}
