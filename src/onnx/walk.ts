import {
  type AttributeParts,
  decodeAttribute,
  type DecodeContext,
  decodeFunction,
  decodeGraph,
  decodeNode,
  decodeSparse,
  deeper,
} from './decodeProto.js';
import { dataFields, decodeTensor, type TensorPayload } from './decodeTensor.js';
import type { FileWindow } from './fileWindow.js';
import type { Attribute, FunctionDefinition, Graph, GraphNode, SparseTensor, Tensor } from './model.js';
import { malformed, tooLarge } from './modelErrors.js';
import {
  AttributeProtoSchema,
  decodeMessage,
  FunctionProtoSchema,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  SparseTensorProtoSchema,
  TensorProtoSchema,
} from './protobuf.js';
import { type Range, type TakeField, walkMessage, type WalkPlan } from './walkMessage.js';

/** Messages up to this size are decoded at once, and tensor data up to this size is kept in memory. */
export const inlineBytes = 1024;

/** Nodes and constants together; a hostile file packs an empty node into two bytes. */
const maxItems = 500_000;

/** What a walk carries along: the file, and what decoding needs. */
export interface WalkContext extends DecodeContext {
  readonly window: FileWindow;
  /** Counts nodes and constants of the whole model. */
  readonly counter: { items: number };
}

/** The model message without its graph and functions, and these. */
export interface WalkedModel {
  readonly header: ModelProto;
  readonly graph: Graph | undefined;
  readonly functions: readonly FunctionDefinition[];
}

/** Reads a whole model file, weights left where they are. */
export function walkModel(context: WalkContext): WalkedModel {
  const graphRanges: Range[] = [];
  const functions: FunctionDefinition[] = [];
  const rest = walkMessage(
    context.window,
    { start: 0, end: context.window.sizeBytes },
    {
      take: {
        7: taking((range) => graphRanges.push(range)),
        20: taking(() => {
          context.warn('The training information of the model is ignored.');
        }),
        25: taking((range) => functions.push(walkFunction(range, context))),
      },
      ...structureLimits([6]),
    },
  );
  const header = decodeMessage(ModelProtoSchema, rest);
  const graph = graphRanges.length === 0 ? undefined : walkGraph(graphRanges, context);
  return { header, graph, functions };
}

/** Metadata (class names, vocabularies) may be long texts; types and shapes never come near. */
function structureLimits(skipped: readonly number[]): Pick<WalkPlan, 'skip' | 'maxFieldBytes'> {
  return { skip: new Set(skipped), maxFieldBytes: 8 * 1024 * 1024 };
}

/** Attributes may hold whole decision forests and word lists. */
function valueLimits(skipped: readonly number[]): Pick<WalkPlan, 'skip' | 'maxFieldBytes'> {
  return { skip: new Set(skipped), maxFieldBytes: 32 * 1024 * 1024 };
}

const graphLimits = structureLimits([10, 14]);
const functionLimits = structureLimits([8]);
const nodeLimits = structureLimits([6, 10]);
const attributeLimits = valueLimits([13]);
const tensorLimits = valueLimits([12]);

function taking(action: (range: Range) => void): TakeField {
  return (range) => {
    action(range);
    return true;
  };
}

/** Reads a graph; a message that stands in several pieces is their concatenation, as protobuf asks. */
function walkGraph(ranges: readonly Range[], context: WalkContext): Graph {
  const nodes: GraphNode[] = [];
  const initializers: Tensor[] = [];
  const sparseInitializers: SparseTensor[] = [];
  const take = {
    1: taking((range) => nodes.push(walkNode(range, context))),
    5: taking((range) => initializers.push(walkTensor(range, context))),
    15: taking((range) => sparseInitializers.push(walkSparse(range, context))),
  };
  const rests = ranges.map((range) => walkMessage(context.window, range, { take, ...graphLimits }));
  const proto = decodeMessage(
    GraphProtoSchema,
    rests.length === 1 ? (rests[0] ?? none) : Buffer.concat(rests),
  );
  return decodeGraph(proto, context, { nodes, initializers, sparseInitializers });
}

const none = new Uint8Array();

function walkFunction(range: Range, context: WalkContext): FunctionDefinition {
  const nodes: GraphNode[] = [];
  const take = { 7: taking((node) => nodes.push(walkNode(node, context))) };
  const rest = walkMessage(context.window, range, { take, ...functionLimits });
  return decodeFunction(decodeMessage(FunctionProtoSchema, rest), context, nodes);
}

function walkNode(range: Range, context: WalkContext): GraphNode {
  count(context);
  if (isSmall(range)) return decodeNode(decodeMessage(NodeProtoSchema, view(range, context)), context);
  const attributes: (readonly [string, Attribute])[] = [];
  const take = { 5: taking((attribute) => attributes.push(walkAttribute(attribute, context))) };
  const rest = walkMessage(context.window, range, { take, ...nodeLimits });
  return decodeNode(decodeMessage(NodeProtoSchema, rest), context, attributes);
}

function walkAttribute(range: Range, context: WalkContext): readonly [string, Attribute] {
  if (isSmall(range)) {
    const proto = decodeMessage(AttributeProtoSchema, view(range, context));
    return [proto.name, decodeAttribute(proto, context)];
  }
  const tensors: Tensor[] = [];
  const graphs: Graph[] = [];
  let parts: AttributeParts = {};
  const take = {
    5: taking((value) => (parts = { ...parts, tensor: walkTensor(value, context) })),
    6: taking((value) => (parts = { ...parts, graph: walkGraph([value], inside(context)) })),
    10: taking((value) => tensors.push(walkTensor(value, context))),
    11: taking((value) => graphs.push(walkGraph([value], inside(context)))),
    22: taking((value) => (parts = { ...parts, sparse: walkSparse(value, context) })),
  };
  const rest = walkMessage(context.window, range, { take, ...attributeLimits });
  const proto = decodeMessage(AttributeProtoSchema, rest);
  return [proto.name, decodeAttribute(proto, context, { ...parts, tensors, graphs })];
}

function inside(context: WalkContext): WalkContext {
  return { ...context, ...deeper(context) };
}

function walkTensor(range: Range, context: WalkContext): Tensor {
  count(context);
  if (isSmall(range)) return decodeTensor(decodeMessage(TensorProtoSchema, view(range, context)), context);
  const payloads: TensorPayload[] = [];
  const takeData =
    (field: TensorPayload['field']): TakeField =>
    ({ start, end }) => {
      if (end - start <= inlineBytes) return false;
      payloads.push({ field, offset: start, sizeBytes: end - start });
      return true;
    };
  const take = Object.fromEntries(
    Object.entries(dataFields).map(([number, field]) => [number, takeData(field)] as const),
  );
  const rest = walkMessage(context.window, range, { take, ...tensorLimits });
  const proto = decodeMessage(TensorProtoSchema, rest);
  if (payloads.length > 1) throw malformed(`tensor ${proto.name} has its data in several pieces`);
  return decodeTensor(proto, context, payloads[0]);
}

function walkSparse(range: Range, context: WalkContext): SparseTensor {
  if (isSmall(range)) {
    return decodeSparse(decodeMessage(SparseTensorProtoSchema, view(range, context)), context);
  }
  let values: Tensor | undefined;
  let indices: Tensor | undefined;
  const take = {
    1: taking((value) => (values = walkTensor(value, context))),
    2: taking((value) => (indices = walkTensor(value, context))),
  };
  const rest = walkMessage(context.window, range, { take, ...structureLimits([]) });
  return decodeSparse(decodeMessage(SparseTensorProtoSchema, rest), context, {
    ...(values === undefined ? {} : { values }),
    ...(indices === undefined ? {} : { indices }),
  });
}

function isSmall({ start, end }: Range): boolean {
  return end - start <= inlineBytes;
}

function view({ start, end }: Range, context: WalkContext): Uint8Array {
  return context.window.bytes(start, end - start);
}

function count({ counter }: WalkContext): void {
  if (++counter.items > maxItems) throw tooLarge(`more than ${maxItems} nodes and constants`);
}
