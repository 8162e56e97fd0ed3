import { type Static, Type } from '@sinclair/typebox';

// The schema of `inspect --json`, version 1: a model's structure without its weights. It only grows.

/** A size, the name of an open one, or null when nothing is known. */
export const dimensionSchema = Type.Union([Type.Integer(), Type.String(), Type.Null()]);

/** An input or output; `shape` is null where the rank is not known or the value is no tensor. */
export const inspectedValueSchema = Type.Object({
  name: Type.String(),
  /** Element type (`float32`), or `sequence(float32)`, `map(int64, float32)`, `optional(…)`, `unknown`. */
  type: Type.String(),
  shape: Type.Union([Type.Array(dimensionSchema), Type.Null()]),
});

/** What a layer is. */
export const layerKindSchema = Type.Union([
  Type.Literal('conv'),
  Type.Literal('dense'),
  Type.Literal('recurrent'),
  Type.Literal('embedding'),
  Type.Literal('normalization'),
  Type.Literal('activation'),
  Type.Literal('gate'),
  Type.Literal('attention'),
  Type.Literal('classifier'),
  Type.Literal('regressor'),
  Type.Literal('block'),
  Type.Literal('scope'),
]);

/** What a layer is. */
export type LayerKind = Static<typeof layerKindSchema>;

const countSchema = Type.Integer({ minimum: 0 });

/** One layer. */
export const inspectedLayerSchema = Type.Object({
  name: Type.String(),
  /** The exporter's own name, accepted as an address too. */
  path: Type.String(),
  /** Name of the scope around it. */
  parent: Type.Union([Type.String(), Type.Null()]),
  /** Position of its first node in file order. */
  index: countSchema,
  kind: layerKindSchema,
  /** The operator or composite (`Conv`, `Silu`); empty for scopes. */
  operator: Type.String(),
  unitCount: Type.Union([countSchema, Type.Null()]),
  /** Elements of its weight, bias and scale; of everything inside for a scope, tied ones once. */
  parameterCount: countSchema,
  /** Name of the value that is its output. */
  output: Type.String(),
  shape: Type.Union([Type.Array(dimensionSchema), Type.Null()]),
  /** Kinds of recognised blocks that it holds, or is a part of where no scope holds just the block. */
  blocks: Type.Array(Type.String()),
});

/** A sub-graph that was recognised by its operators, whatever the exporter called its parts. */
export const inspectedBlockSchema = Type.Object({
  /** The layer or scope that holds just this block; else the scope around it and its kind, or kind and count. */
  name: Type.String(),
  /** `residual`, `attention`, `squeeze-excitation`, …; later versions know more. */
  kind: Type.String(),
  /** What kind of its kind: `self, 8 heads`, `EvoNorm-S0`; empty where there is but one. */
  variant: Type.String(),
  /** Names of its layers in file order, scopes apart. */
  layers: Type.Array(Type.String()),
  /** Position of its first node in file order. */
  index: countSchema,
  /** Name of the value that leaves it. */
  output: Type.String(),
});

/** The structure of a model. */
export const inspectionSchema = Type.Object({
  schemaVersion: Type.Literal(1),
  /** Path of the model file. */
  model: Type.String(),
  /** Bytes of the file and its external data. */
  sizeBytes: countSchema,
  irVersion: Type.Integer(),
  /** Version by domain; the standard operators are `ai.onnx`. */
  opsets: Type.Record(Type.String(), Type.Integer()),
  producer: Type.String(),
  inputs: Type.Array(inspectedValueSchema),
  outputs: Type.Array(inspectedValueSchema),
  parameterCount: countSchema,
  /** Elements of statistics of BatchNormalization. */
  bufferCount: countSchema,
  /** Elements of all other constants: masks, tables, scalars, scales and zero points. */
  constantCount: countSchema,
  /** Nodes of the main graph. */
  nodeCount: countSchema,
  /** Nodes of If, Loop and Scan bodies. */
  subgraphNodeCount: countSchema,
  /** Nodes of model-local functions, each function once. */
  functionNodeCount: countSchema,
  /** Nodes by operator, in bodies and functions too. */
  operators: Type.Record(Type.String(), countSchema),
  layers: Type.Array(inspectedLayerSchema),
  /** Recognised sub-graphs, in file order. */
  blocks: Type.Array(inspectedBlockSchema),
  warnings: Type.Array(Type.String()),
});

/** The structure of a model: what `inspect --json` prints. */
export type Inspection = Static<typeof inspectionSchema>;

/** One layer of an inspection. */
export type InspectedLayer = Static<typeof inspectedLayerSchema>;

/** A recognised sub-graph of an inspection. */
export type InspectedBlock = Static<typeof inspectedBlockSchema>;

/** An input or output of an inspection. */
export type InspectedValue = Static<typeof inspectedValueSchema>;
