/** An offer above a line of a document. */
export type Lens =
  /** Explains a sample that the document names. */
  | { readonly kind: 'explain'; readonly line: number; readonly path: string }
  /** Explains the first sample that an inspect file describes. */
  | { readonly kind: 'explain-first'; readonly line: number }
  /** Asks which question to put to the model that an inspect file names. */
  | { readonly kind: 'run'; readonly line: number; readonly model: string };
