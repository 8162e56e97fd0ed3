/** Why data is proposed for a model, best reason first. */
export const reasonKinds = [
  /** An inspect file that names the model. */
  'names-model',
  /** Chosen for this model before. */
  'used-for-model',
  /** An inspect file that names no model. */
  'names-no-model',
  /** ONNX test inputs beside the model. */
  'test-data',
  /** Of a kind that we read, and near the model. */
  'near-model',
  /** Used with another model. */
  'used-for-other',
  /** An inspect file of another model. */
  'names-other-model',
  /** Of a kind that we read, somewhere in the workspace. */
  'in-workspace',
] as const;

/** Why data is proposed for a model. */
export type ReasonKind = (typeof reasonKinds)[number];

/** Kinds of data: those of the readers, and files that describe data. */
export const dataKinds = [
  'inspect-file',
  'npy',
  'npz',
  'csv',
  'parquet',
  'idx',
  'image',
  'images',
  'audio',
  'onnx-pb',
] as const;

/** What the data is. */
export type DataKind = (typeof dataKinds)[number];

/** Data that may fit a model. */
export interface DataCandidate {
  /** Absolute. */
  readonly path: string;
  readonly kind: DataKind;
  readonly reason: ReasonKind;
  /** The other model, for reasons that have one. */
  readonly otherModelPath?: string;
  /** Images or sounds in a folder; test sets of ONNX. */
  readonly itemCount?: number;
  /** The search was cut: there are more items than counted. */
  readonly hasMore?: boolean;
  /** Sub-folders that hold the images or sounds: they are the labels. */
  readonly classCount?: number;
  /** A file of labels belongs to it. */
  readonly hasLabels?: boolean;
}
