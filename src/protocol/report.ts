import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { UserError } from '../base/errors.js';
import { type Block, blockSchemas, numberSchema } from './blocks.js';
import { followUpSchema } from './parts.js';

/** How a number came about. */
export const evidenceSchema = Type.Object({
  kind: Type.Union([
    Type.Literal('measured'),
    Type.Literal('sampled'),
    Type.Literal('estimated'),
    Type.Literal('not-captured'),
  ]),
  /** Samples it rests on. */
  n: Type.Optional(Type.Integer({ minimum: 0 })),
  how: Type.Optional(Type.String()),
});

/** Something found, and what to try. */
export const findingSchema = Type.Object({
  severity: Type.Union([Type.Literal('error'), Type.Literal('warning'), Type.Literal('info')]),
  address: Type.Optional(Type.String()),
  message: Type.String(),
  advice: Type.String(),
  /** Id of the analysis that found it, where the report puts several together. */
  analysis: Type.Optional(Type.String()),
});

/** A report of its own that another one put together: what it says, and where it is. */
export const reportPartSchema = Type.Object({
  analysis: Type.String(),
  title: Type.String(),
  summary: Type.String(),
  /** The model that it is of, where that is not the report's own: a name, unique among the parts. */
  of: Type.Optional(Type.String()),
  /** File of the report, relative to this one's folder, with `/`; absent where it was not kept. */
  file: Type.Optional(Type.String()),
});

/** A paper behind an analysis. `line` is its title's line in the project's list of abstracts. */
export const paperSchema = Type.Object({
  id: Type.String(),
  title: Type.String(),
  url: Type.Optional(Type.String()),
  line: Type.Optional(Type.Integer()),
});

/** Shape and type of a raw result; `file` when it was written. */
export const arrayInfoSchema = Type.Object({
  shape: Type.Array(Type.Integer({ minimum: 0 })),
  dtype: Type.String(),
  file: Type.Optional(Type.String()),
});

/** The document an analysis leaves behind. Only grows: readers keep fields and blocks that they do not know. */
export const reportSchema = Type.Object(
  {
    schemaVersion: Type.Literal(1),
    analysis: Type.String(),
    question: Type.String(),
    title: Type.String(),
    /** One sentence a colleague could repeat. */
    summary: Type.String(),
    status: Type.Union([
      Type.Literal('complete'),
      Type.Literal('partial'),
      Type.Literal('cancelled'),
      Type.Literal('failed'),
    ]),
    model: Type.Object({
      path: Type.String(),
      name: Type.String(),
      sha256: Type.Optional(Type.String()),
      sizeBytes: Type.Number(),
    }),
    data: Type.Union([
      Type.Object({
        path: Type.Optional(Type.String()),
        kind: Type.String(),
        sampleCount: Type.Integer(),
        usedCount: Type.Optional(
          Type.Integer({ description: 'Samples that the answer rests on, where they are fewer.' }),
        ),
        inspectFile: Type.Optional(
          Type.String({ description: 'The inspect file that was run and names the data.' }),
        ),
        describedBy: Type.Optional(
          Type.String({ description: 'The inspect file of other data that says how these are fed.' }),
        ),
      }),
      Type.Null(),
    ]),
    settings: Type.Record(Type.String(), Type.Unknown()),
    seed: Type.Integer(),
    provider: Type.String(),
    batchSize: Type.Integer({ minimum: 0 }),
    tool: Type.Object({ version: Type.String(), runtime: Type.String() }),
    createdAt: Type.String(),
    durationMs: Type.Number(),
    metrics: Type.Record(Type.String(), numberSchema),
    evidence: Type.Record(Type.String(), evidenceSchema),
    findings: Type.Array(findingSchema),
    arrays: Type.Record(Type.String(), arrayInfoSchema),
    blocks: Type.Array(Type.Object({ type: Type.String(), alt: Type.Optional(Type.String()) })),
    papers: Type.Array(paperSchema),
    warnings: Type.Array(Type.String()),
    /** Reports that this one puts together. */
    parts: Type.Optional(Type.Array(reportPartSchema)),
    /** Questions about pieces of the blocks. */
    followUps: Type.Optional(Type.Array(followUpSchema)),
  },
  { $id: 'report', title: 'Neuron Inspector report' },
);

export type Evidence = Static<typeof evidenceSchema>;
export type Finding = Static<typeof findingSchema>;
export type ReportPart = Static<typeof reportPartSchema>;
export type Paper = Static<typeof paperSchema>;
export type ArrayInfo = Static<typeof arrayInfoSchema>;
export type ReportStatus = Report['status'];

/** A report, version 1. Blocks may be of types newer than this reader: narrow with `isKnownBlock`. */
export type Report = Omit<Static<typeof reportSchema>, 'blocks'> & {
  blocks: (Block | UnknownBlock)[];
};

/** A block of a type that this version does not know: shown by its `alt`, kept on save. */
export interface UnknownBlock {
  readonly type: string;
  readonly alt?: string;
  readonly title?: string;
  readonly [field: string]: unknown;
}

/**
 * Returns the value as a Report after checking it and every known block against their schemas.
 *
 * @throws UserError `not-a-report`, naming the first field that is wrong.
 */
export function parseReport(value: unknown, source: string): Report {
  const problem = firstProblem(value);
  if (problem !== undefined) {
    throw new UserError(
      'not-a-report',
      `${source} is not a Neuron Inspector report: ${problem}. Pass a file that \`run … --report FILE\` wrote.`,
    );
  }
  // The schemas above were just checked; blocks of unknown types are kept as they are.
  return value as Report;
}

/** Returns the first thing wrong with a would-be report, or undefined when it is one. */
export function firstProblem(value: unknown): string | undefined {
  const error = Value.Errors(reportSchema, value).First();
  if (error !== undefined) return `${error.path === '' ? 'the document' : error.path}: ${error.message}`;
  const { blocks } = value as { blocks: { type: string }[] };
  for (const [index, block] of blocks.entries()) {
    if (!Object.hasOwn(blockSchemas, block.type)) continue;
    const blockError = Value.Errors(blockSchemas[block.type as keyof typeof blockSchemas], block).First();
    if (blockError !== undefined) {
      return `/blocks/${String(index)}${blockError.path}: ${blockError.message}`;
    }
  }
  return undefined;
}
