import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { UserError } from '../base/errors.js';

// The schema of `*.inspect.json`, version 1: what ties a model to its data, labels, tokenizer and preprocessing.
// A stored value v becomes (v × scale − mean) / std, after colour conversion, resizing and layout.

const columnSchema = Type.Union([Type.String(), Type.Integer({ minimum: 0 })]);

/** Axes by letter: N batch, C channels or features, H height, W width, D depth, T tokens or time. */
export const layoutSchema = Type.String({ pattern: '^[NCDHWT]+$' });

/** Order of colour channels. */
export const colorSchema = Type.Union([Type.Literal('rgb'), Type.Literal('bgr'), Type.Literal('gray')]);

/** [height, width], or an object that also says how. */
export const resizeSchema = Type.Union([
  Type.Tuple([Type.Integer({ minimum: 1 }), Type.Integer({ minimum: 1 })]),
  Type.Object({
    width: Type.Integer({ minimum: 1 }),
    height: Type.Integer({ minimum: 1 }),
    /**
     * `fill` (default) stretches; `cover` fills and cuts what juts out; `contain` fits and pads with black; `outside`
     * scales until both sides are at least as long, for a `crop` after it.
     */
    fit: Type.Optional(
      Type.Union([
        Type.Literal('fill'),
        Type.Literal('cover'),
        Type.Literal('contain'),
        Type.Literal('outside'),
      ]),
    ),
    /** Centre crop after resizing, [height, width]. */
    crop: Type.Optional(Type.Tuple([Type.Integer({ minimum: 1 }), Type.Integer({ minimum: 1 })])),
    /** Interpolation; default `linear`, averaging where it shrinks. */
    method: Type.Optional(
      Type.Union([
        Type.Literal('nearest'),
        Type.Literal('linear'),
        Type.Literal('cubic'),
        Type.Literal('lanczos3'),
      ]),
    ),
  }),
]);

/** Where an input's values are in the data, and how they lie there when that is not how the model takes them. */
export const fromSchema = Type.Union([
  /** A column's or array's name, a file, or a column's index (from 0). */
  columnSchema,
  Type.Object({
    /** An array's name, or a file. */
    array: Type.Optional(Type.String()),
    /** These columns, by name or index. */
    columns: Type.Optional(Type.Array(columnSchema, { minItems: 1 })),
    /** All columns from this one … */
    first: Type.Optional(columnSchema),
    /** … to this one, both included; default the last. */
    last: Type.Optional(columnSchema),
    /** Axes of one stored sample, for example `HWC`; default as in the model. */
    layout: Type.Optional(Type.String({ pattern: '^[CDHWT]+$' })),
    /** Sizes of one stored sample, where the model's input leaves them open. */
    shape: Type.Optional(Type.Array(Type.Integer({ minimum: 1 }))),
    /** Colour order of the stored sample; default `rgb`. */
    color: Type.Optional(colorSchema),
  }),
]);

const perChannelSchema = Type.Union([Type.Number(), Type.Array(Type.Number(), { minItems: 1 })]);

/** How sound files become what an input takes; frames at `sampleRate`. */
export const audioSchema = Type.Object({
  /** Frames a second that the model was trained on; default that of the files. */
  sampleRate: Type.Optional(Type.Integer({ minimum: 1 })),
  /** Brings files of another rate to `sampleRate`; without it they are refused. */
  resample: Type.Optional(Type.Boolean()),
  /** `mix` averages the channels, `first` takes the first, `all` keeps them; default `mix` where the model takes one. */
  channels: Type.Optional(Type.Union([Type.Literal('mix'), Type.Literal('first'), Type.Literal('all')])),
  /** Frames of one sample, where the model leaves it open; default the whole file. */
  length: Type.Optional(Type.Integer({ minimum: 1 })),
  /** Frames from the start of a sample to that of the next; default `length`. */
  hop: Type.Optional(Type.Integer({ minimum: 1 })),
  /** What is left at the end of a file: `pad` (default) with zeros, or `drop`. */
  rest: Type.Optional(Type.Union([Type.Literal('pad'), Type.Literal('drop')])),
});

/** How texts become the token ids that an input takes. */
export const textSchema = Type.Object({
  /** Tokens of a row at most, those that the tokenizer adds included; where the model leaves it open. */
  length: Type.Optional(Type.Integer({ minimum: 1 })),
  /** Tokens from the start of a row to that of the next, in a file longer than one; default as many as a row has. */
  hop: Type.Optional(Type.Integer({ minimum: 1 })),
});

/** How one input of the model is fed. */
export const inputSpecSchema = Type.Object({
  from: Type.Optional(fromSchema),
  /** Axes of the model's input, for example `NCHW`, `NHWC`, `NC`, `NT`. */
  layout: layoutSchema,
  /** Colour order that the model takes. */
  color: Type.Optional(colorSchema),
  resize: Type.Optional(resizeSchema),
  audio: Type.Optional(audioSchema),
  text: Type.Optional(textSchema),
  /** Multiplies stored values: 0.00392156862745098 (1/255) brings pixels to 0–1; 1 says that they are fed as stored. */
  scale: Type.Optional(Type.Number()),
  /** Subtracted after `scale`: one number, or one per channel. */
  mean: Type.Optional(perChannelSchema),
  /** Divides after `mean`: one number, or one per channel. */
  std: Type.Optional(perChannelSchema),
  /** Element type that the model takes; must be the one it declares. */
  dtype: Type.Optional(Type.String()),
});

/** Where the classes of the samples are. */
export const labelsSpecSchema = Type.Object({
  /** A column's or array's name, a column's index, a file, or `folder` (names of sub-folders). */
  from: columnSchema,
  /** Class names by index, or a text file with one per line. */
  names: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())])),
});

/** The data tied to a model. */
export const dataSpecSchema = Type.Object({
  path: Type.String({ minLength: 1 }),
  kind: Type.Optional(Type.String()),
  inputs: Type.Record(Type.String(), inputSpecSchema),
  labels: Type.Optional(labelsSpecSchema),
  /** The input that is 0 where a position is padding. */
  mask: Type.Optional(Type.String()),
});

/** A `*.inspect.json` file; paths are relative to it, and fields that this version does not know are kept. */
export const inspectFileSchema = Type.Object({
  $schema: Type.Optional(Type.String()),
  version: Type.Literal(1),
  model: Type.Optional(Type.String()),
  data: Type.Optional(dataSpecSchema),
  /** A `tokenizer.json`. */
  tokenizer: Type.Optional(Type.Union([Type.String(), Type.Object({ path: Type.String() })])),
  code: Type.Optional(
    Type.Object({
      path: Type.String(),
      class: Type.Optional(Type.String()),
      layers: Type.Optional(Type.Record(Type.String(), Type.String())),
    }),
  ),
  thresholds: Type.Optional(
    Type.Array(
      Type.Object({
        analysis: Type.String(),
        settings: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
        failOn: Type.Union([Type.String(), Type.Array(Type.String())]),
      }),
    ),
  ),
});

export type InspectFile = Static<typeof inspectFileSchema>;
export type DataSpec = Static<typeof dataSpecSchema>;
export type InputSpec = Static<typeof inputSpecSchema>;
export type LabelsSpec = Static<typeof labelsSpecSchema>;
export type FromSpec = Static<typeof fromSchema>;
export type AudioSpec = Static<typeof audioSchema>;
export type TextSpec = Static<typeof textSchema>;
export type ResizeSpec = Static<typeof resizeSchema>;
export type Color = Static<typeof colorSchema>;

/**
 * Returns the value as an inspect file after checking it.
 *
 * @throws UserError `inspect-file-invalid`, naming the first field that is wrong.
 */
export function parseInspectFile(value: unknown, source: string): InspectFile {
  const error = Value.Errors(inspectFileSchema, value).First();
  if (error !== undefined) {
    const where = error.path === '' ? 'the document' : error.path.slice(1).replaceAll('/', '.');
    throw new UserError(
      'inspect-file-invalid',
      `${source}: ${where} is wrong: ${error.message}, found ${error.value === undefined ? 'nothing' : JSON.stringify(error.value)}. Correct it; docs/inspect-file.md lists the fields.`,
      { detail: { source, field: error.path } },
    );
  }
  // The schema was just checked.
  return value as InspectFile;
}
