import { type Static, Type } from '@sinclair/typebox';
import { partsSchema } from './parts.js';

// One schema per block type. Version 1 froze the first twelve, and types are added; a block type that a reader does not know is shown as its `alt`.

const common = {
  title: Type.Optional(Type.String()),
  /** What the block shows, in words: for screen readers and for readers that do not know the type. */
  alt: Type.Optional(Type.String()),
  /** Folded away until asked for. */
  folded: Type.Optional(Type.Boolean()),
  /** Pieces that a person can pick and ask about. */
  parts: Type.Optional(partsSchema),
};

/** A number in JSON: NaN and infinities are spelled out, never null. */
export const numberSchema = Type.Union([
  Type.Number(),
  Type.Literal('NaN'),
  Type.Literal('Infinity'),
  Type.Literal('-Infinity'),
]);

/** A number as reports store it. */
export type ReportNumber = Static<typeof numberSchema>;

/** CommonMark text; names from models are escaped by whoever writes it. */
export const markdownBlockSchema = Type.Object({
  type: Type.Literal('markdown'),
  ...common,
  text: Type.String(),
});

/** Key numbers: `metric` is a key of the report's metrics, whose evidence is shown beside it. */
export const metricsBlockSchema = Type.Object({
  type: Type.Literal('metrics'),
  ...common,
  items: Type.Array(
    Type.Object({
      metric: Type.String(),
      label: Type.String(),
      /** `percent` multiplies by 100, and so does `points`: a difference of two shares, in percentage points. */
      format: Type.Optional(
        Type.Union([
          Type.Literal('number'),
          Type.Literal('percent'),
          Type.Literal('points'),
          Type.Literal('count'),
        ]),
      ),
      unit: Type.Optional(Type.String()),
    }),
  ),
});

/** What a column holds; `address` cells are links to a neuron, `bar` is a share 0…1 drawn as a bar. */
export const columnSchema = Type.Object({
  key: Type.String(),
  label: Type.String(),
  kind: Type.Union([
    Type.Literal('text'),
    Type.Literal('address'),
    Type.Literal('number'),
    Type.Literal('count'),
    Type.Literal('percent'),
    Type.Literal('bar'),
    Type.Literal('state'),
  ]),
  unit: Type.Optional(Type.String()),
  /** What the column means, one sentence. */
  description: Type.Optional(Type.String()),
  /** `parts`: cells are what the report's parts are of (`ReportPart.of`), and lead to their reports. */
  links: Type.Optional(Type.Literal('parts')),
});

/** A cell: text, number, or null for "not captured". */
export const cellSchema = Type.Union([Type.String(), numberSchema, Type.Null()]);

/** Rows by column key, in the order that answers the question; viewers sort and filter. */
export const tableBlockSchema = Type.Object({
  type: Type.Literal('table'),
  ...common,
  columns: Type.Array(columnSchema),
  rows: Type.Array(Type.Record(Type.String(), cellSchema)),
  /** Rows that exist but are not listed here. */
  omittedRowCount: Type.Optional(Type.Integer({ minimum: 0 })),
});

/** A Vega-Lite specification with inline data, and its table twin. */
export const chartBlockSchema = Type.Object({
  type: Type.Literal('chart'),
  ...common,
  spec: Type.Record(Type.String(), Type.Unknown()),
  table: Type.Object({
    columns: Type.Array(columnSchema),
    rows: Type.Array(Type.Record(Type.String(), cellSchema)),
  }),
});

/** A picture: a data URI, or a file beside the report. Pixels stay crisp. */
export const pictureSchema = Type.Object({
  source: Type.String(),
  width: Type.Integer({ minimum: 1 }),
  height: Type.Integer({ minimum: 1 }),
  alt: Type.String(),
  caption: Type.Optional(Type.String()),
});

/** One picture. */
export const imageBlockSchema = Type.Object({
  type: Type.Literal('image'),
  ...common,
  image: pictureSchema,
});

/** Several pictures, each with its caption. */
export const imageGridBlockSchema = Type.Object({
  type: Type.Literal('image-grid'),
  ...common,
  images: Type.Array(pictureSchema),
});

/** Heat maps over inputs: diverging scale centred on zero unless `scale` says sequential. */
export const overlayBlockSchema = Type.Object({
  type: Type.Literal('overlay'),
  ...common,
  items: Type.Array(
    Type.Object({
      /** The input as a picture; absent when it is no image. */
      base: Type.Optional(pictureSchema),
      width: Type.Integer({ minimum: 1 }),
      height: Type.Integer({ minimum: 1 }),
      /** Row-major values, width × height. */
      values: Type.Array(numberSchema),
      caption: Type.String(),
    }),
  ),
  scale: Type.Union([Type.Literal('diverging'), Type.Literal('sequential')]),
  /** Value at the ends of the colour scale; the same for all items, so that they compare. */
  limit: numberSchema,
  unit: Type.Optional(Type.String()),
});

/** Text in pieces, each with a value that colours it. */
export const tokensBlockSchema = Type.Object({
  type: Type.Literal('tokens'),
  ...common,
  tokens: Type.Array(
    Type.Object({
      text: Type.String(),
      value: numberSchema,
      /** What is told of the piece that is pointed at, in place of the value. */
      note: Type.Optional(Type.String()),
    }),
  ),
  scale: Type.Union([Type.Literal('diverging'), Type.Literal('sequential')]),
  limit: numberSchema,
});

const comparedSideSchema = Type.Object({
  /** What it is: a method, a model. */
  label: Type.String(),
  /** Drawn below the values; with none of these it is the picture that is compared. */
  base: Type.Optional(pictureSchema),
  /** Row-major values, width × height. */
  values: Type.Optional(Type.Array(numberSchema)),
});

/** Two pictures or heat maps of one size, with a slider that wipes between them. */
export const compareBlockSchema = Type.Object({
  type: Type.Literal('compare'),
  ...common,
  items: Type.Array(
    Type.Object({
      width: Type.Integer({ minimum: 1 }),
      height: Type.Integer({ minimum: 1 }),
      caption: Type.String(),
      /** On the left and on the right of the slider. */
      sides: Type.Tuple([comparedSideSchema, comparedSideSchema]),
    }),
  ),
  scale: Type.Union([Type.Literal('diverging'), Type.Literal('sequential')]),
  /** Value at the ends of the colour scale; the same for both sides and all items. */
  limit: numberSchema,
  unit: Type.Optional(Type.String()),
});

/** A sound: its wave, and a value for each piece of it. */
export const audioBlockSchema = Type.Object({
  type: Type.Literal('audio'),
  ...common,
  items: Type.Array(
    Type.Object({
      caption: Type.String(),
      /** A WAV file as a data URI, or a file beside the report. */
      source: Type.String(),
      /** Frames a second. */
      sampleRate: Type.Number({ exclusiveMinimum: 0 }),
      durationSeconds: Type.Number({ minimum: 0 }),
      /** Smallest and largest amplitude of each of equally long pieces, −1 … 1: the wave as it is drawn. */
      lows: Type.Array(Type.Number()),
      highs: Type.Array(Type.Number()),
      /** Size of each of equally long pieces by frequency, low to high: row-major, pieces × `frequencyCount`; 0 … 1. */
      spectrum: Type.Array(Type.Number()),
      frequencyCount: Type.Integer({ minimum: 0 }),
      /** A value for each of equally long pieces. */
      values: Type.Array(numberSchema),
    }),
  ),
  scale: Type.Union([Type.Literal('diverging'), Type.Literal('sequential')]),
  limit: numberSchema,
});

const treeNodeSchema = Type.Recursive((Self) =>
  Type.Object({
    label: Type.String(),
    detail: Type.Optional(Type.String()),
    address: Type.Optional(Type.String()),
    children: Type.Optional(Type.Array(Self)),
  }),
);

/** A hierarchy. */
export const treeBlockSchema = Type.Object({
  type: Type.Literal('tree'),
  ...common,
  root: treeNodeSchema,
});

/** The papers behind the numbers: ids of the report's `papers`. */
export const citationBlockSchema = Type.Object({
  type: Type.Literal('citation'),
  ...common,
  papers: Type.Array(Type.String()),
});

/** Something the reader must know before believing the numbers. */
export const warningBlockSchema = Type.Object({
  type: Type.Literal('warning'),
  ...common,
  message: Type.String(),
  advice: Type.Optional(Type.String()),
});

/** The report's findings stand here. */
export const findingsBlockSchema = Type.Object({
  type: Type.Literal('findings'),
  ...common,
});

/** The block types of version 1 by name. */
export const blockSchemas = {
  markdown: markdownBlockSchema,
  metrics: metricsBlockSchema,
  table: tableBlockSchema,
  chart: chartBlockSchema,
  image: imageBlockSchema,
  'image-grid': imageGridBlockSchema,
  overlay: overlayBlockSchema,
  tokens: tokensBlockSchema,
  compare: compareBlockSchema,
  audio: audioBlockSchema,
  tree: treeBlockSchema,
  citation: citationBlockSchema,
  warning: warningBlockSchema,
  findings: findingsBlockSchema,
} as const;

export type MarkdownBlock = Static<typeof markdownBlockSchema>;
export type MetricsBlock = Static<typeof metricsBlockSchema>;
export type TableBlock = Static<typeof tableBlockSchema>;
export type TableColumn = Static<typeof columnSchema>;
export type TableCell = Static<typeof cellSchema>;
export type ChartBlock = Static<typeof chartBlockSchema>;
export type Picture = Static<typeof pictureSchema>;
export type ImageBlock = Static<typeof imageBlockSchema>;
export type ImageGridBlock = Static<typeof imageGridBlockSchema>;
export type OverlayBlock = Static<typeof overlayBlockSchema>;
export type TokensBlock = Static<typeof tokensBlockSchema>;
export type CompareBlock = Static<typeof compareBlockSchema>;
export type AudioBlock = Static<typeof audioBlockSchema>;
export type TreeBlock = Static<typeof treeBlockSchema>;
export type CitationBlock = Static<typeof citationBlockSchema>;
export type WarningBlock = Static<typeof warningBlockSchema>;
export type FindingsBlock = Static<typeof findingsBlockSchema>;

/** A block this version knows. */
export type Block =
  | MarkdownBlock
  | MetricsBlock
  | TableBlock
  | ChartBlock
  | ImageBlock
  | ImageGridBlock
  | OverlayBlock
  | TokensBlock
  | CompareBlock
  | AudioBlock
  | TreeBlock
  | CitationBlock
  | WarningBlock
  | FindingsBlock;
