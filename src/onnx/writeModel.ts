import { closeSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf, UserError } from '../base/errors.js';
import { checkWeightFiles } from './checkWeightFiles.js';
import {
  graphToProto,
  modelHeader,
  modelToProto,
  functionToProto,
  tensorHeader,
  tensorToProto,
} from './encodeProto.js';
import type { Model, Tensor } from './model.js';
import { dataTooShort } from './modelErrors.js';
import {
  create,
  encodeMessage,
  fieldHeader,
  GraphProtoSchema,
  ModelProtoSchema,
  TensorProtoSchema,
} from './protobuf.js';
import { forEachTensor } from './serializeModel.js';
import { readTensorBytes } from './tensorBytes.js';

/** Protobuf ends at 2 GiB; what is not weights gets the difference. */
const maxEmbeddedBytes = 1.9e9;

/** Tensors above this go to the data file when there is one. */
const inlineBytes = 1024;

/** Where tensors start in a data file, so that it can be mapped into memory. */
const alignmentBytes = 64;

/**
 * Writes a model that stands alone: weights embedded, or in `PATH.data` beside it when they pass 1.9 GB.
 *
 * Weights are streamed. The file appears whole or not at all: it is written under another name and then renamed.
 *
 * @throws UserError `write-failed` (environment) when the folder is missing, read-only or full; `external-data-missing`
 * and the like when the weights cannot be read.
 */
export function writeModel(model: Model, path: string, options: WriteOptions = {}): Promise<void> {
  return new Promise((resolvePromise) => {
    checkWeightFiles(model);
    const target = resolve(path);
    const limit = options.maxEmbeddedBytes ?? maxEmbeddedBytes;
    if (weightBytes(model) <= limit) {
      replaceFile(target, (fd) => {
        writeEmbedded(model, fd);
      });
    } else writeWithData(model, target);
    resolvePromise();
  });
}

/** How a model is written. */
export interface WriteOptions {
  /** Weights of more bytes than this go to a data file; default 1.9e9. */
  readonly maxEmbeddedBytes?: number;
}

function weightBytes(model: Model): number {
  let total = 0;
  forEachTensor(model, ({ source }) => {
    if (source.kind === 'inline') total += source.bytes.length;
    // A varint of one byte may stand for eight.
    else if (source.kind !== 'strings') total += source.sizeBytes * (source.kind === 'varints' ? 8 : 1);
  });
  return total;
}

function replaceFile(target: string, write: (fd: number) => void): void {
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  try {
    const fd = openSync(temporary, 'w');
    try {
      write(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error instanceof UserError ? error : writeFailed(target, error);
  }
}

function writeFailed(path: string, error: unknown): UserError {
  return new UserError(
    'write-failed',
    `${path} cannot be written: ${messageOf(error)}. Check that the folder exists, is yours to write and has room.`,
    { kind: 'environment', cause: error, detail: { path } },
  );
}

function embed(): 'embed' {
  return 'embed';
}

/** A piece of the file: bytes, or the bytes of a tensor in another file. */
type Piece = Uint8Array | Tensor;

/** Fields may stand in any order, so the initializers follow the rest of the graph, one after the other, streamed. */
function writeEmbedded(model: Model, fd: number): void {
  const header = create(ModelProtoSchema, {
    ...modelHeader(model),
    functions: model.functions.map((definition) => functionToProto(definition, embed)),
  });
  const graph = graphToProto({ ...model.graph, initializers: new Map() }, embed);
  const initializers = [...model.graph.initializers.values()];
  const graphBytes = encodeMessage(GraphProtoSchema, graph);
  const graphSizeBytes = initializers.reduce((sum, tensor) => {
    return sum + piecesOf(tensor).reduce((size, piece) => size + sizeOf(piece), 0);
  }, graphBytes.length);
  writeAll(fd, encodeMessage(ModelProtoSchema, header));
  writeAll(fd, fieldHeader(7, graphSizeBytes));
  writeAll(fd, graphBytes);
  for (const tensor of initializers) {
    for (const piece of piecesOf(tensor)) writePiece(fd, piece);
  }
}

function piecesOf(tensor: Tensor): readonly Piece[] {
  if (tensor.source.kind !== 'file') {
    const bytes = encodeMessage(TensorProtoSchema, tensorToProto(tensor, embed));
    return [fieldHeader(5, bytes.length), bytes];
  }
  const head = encodeMessage(TensorProtoSchema, create(TensorProtoSchema, tensorHeader(tensor)));
  const dataHeader = fieldHeader(9, tensor.source.sizeBytes);
  const sizeBytes = head.length + dataHeader.length + tensor.source.sizeBytes;
  return [fieldHeader(5, sizeBytes), head, dataHeader, tensor];
}

function sizeOf(piece: Piece): number {
  if (piece instanceof Uint8Array) return piece.length;
  return piece.source.kind === 'file' ? piece.source.sizeBytes : 0;
}

function writePiece(fd: number, piece: Piece): void {
  if (piece instanceof Uint8Array) writeAll(fd, piece);
  else copyTensor(fd, piece);
}

function writeWithData(model: Model, target: string): void {
  const dataPath = `${target}.data`;
  const placed = new Map<Tensor, { location: string; offset: number; sizeBytes: number }>();
  replaceFile(dataPath, (fd) => {
    let offset = 0;
    forEachTensor(model, (tensor) => {
      if (isSmall(tensor) || placed.has(tensor)) return;
      const sizeBytes = copyTensor(fd, tensor);
      placed.set(tensor, { location: basename(dataPath), offset, sizeBytes });
      const padding = (alignmentBytes - (sizeBytes % alignmentBytes)) % alignmentBytes;
      writeAll(fd, new Uint8Array(padding));
      offset += sizeBytes + padding;
    });
  });
  const message = modelToProto(model, (tensor) => placed.get(tensor) ?? 'embed');
  replaceFile(target, (fd) => {
    writeAll(fd, encodeMessage(ModelProtoSchema, message));
  });
}

function isSmall({ source }: Tensor): boolean {
  return source.kind === 'strings' || (source.kind === 'inline' && source.bytes.length <= inlineBytes);
}

/** Copies a tensor's bytes block by block and returns how many there were. */
function copyTensor(fd: number, tensor: Tensor): number {
  const { source } = tensor;
  if (source.kind !== 'file') {
    const bytes = readTensorBytes(tensor);
    writeAll(fd, bytes);
    return bytes.length;
  }
  const from = openSync(source.path, 'r');
  try {
    const block = new Uint8Array(Math.min(source.sizeBytes, 4 * 1024 * 1024));
    for (let done = 0; done < source.sizeBytes;) {
      const count = readSync(
        from,
        block,
        0,
        Math.min(block.length, source.sizeBytes - done),
        source.offset + done,
      );
      if (count === 0) throw dataTooShort(source.path, tensor.name, source.offset + source.sizeBytes);
      writeAll(fd, block.subarray(0, count));
      done += count;
    }
  } finally {
    closeSync(from);
  }
  return source.sizeBytes;
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
}
