import { type Static, Type } from '@sinclair/typebox';

// Pieces of a block that a person can pick — a pixel, a token, a feature, a neuron — and what can be asked about them. One
// form for all: a piece has a name, which is the value of a setting, and a question is a run with that setting.

const settingsSchema = Type.Record(
  Type.String(),
  Type.Union([Type.Number(), Type.String(), Type.Boolean(), Type.Null()]),
);

/** A question about a piece: a run of the report's analysis on its model and data. */
export const followUpSchema = Type.Object({
  id: Type.String(),
  /** The question, as it stands on a button. */
  label: Type.String(),
  /** Key of the setting that takes the name of the piece. */
  takes: Type.String(),
  /** Other settings of the run; all that are not named here have their defaults. */
  settings: settingsSchema,
  /** A setting that the person chooses. */
  choice: Type.Optional(
    Type.Object({
      setting: Type.String(),
      label: Type.String(),
      values: Type.Array(Type.String(), { minItems: 1 }),
      /** Proposed. */
      value: Type.String(),
    }),
  ),
  /** Where two reports are compared: which of them it is asked of, the older (0) or the newer (1). */
  side: Type.Optional(Type.Union([Type.Literal(0), Type.Literal(1)])),
});

/** What the pieces of a block are called, and which questions can be asked about them. */
export const partsSchema = Type.Object({
  /** What a piece is: `pixel`, `token`, `feature`. */
  noun: Type.String(),
  /** Ids of the report's follow-ups. */
  followUps: Type.Array(Type.String()),
  /** Settings that choose what each item of the block is of: `{ "rows": "3" }`. */
  items: Type.Array(settingsSchema),
  /** Positions along each axis of what is drawn: a piece is named by the positions it stands for. */
  sizes: Type.Optional(Type.Array(Type.Integer({ minimum: 1 }))),
  /** Where pieces are rows of a table: the field of a row that holds its name. Rows without it cannot be picked. */
  key: Type.Optional(Type.String()),
  /** The field of a row that holds the place of its item in `items`; default: all rows are of the first. */
  itemKey: Type.Optional(Type.String()),
});

export type FollowUp = Static<typeof followUpSchema>;
export type Parts = Static<typeof partsSchema>;
