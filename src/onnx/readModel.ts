import { UserError } from '../base/errors.js';
import { decodeMetadata, decodeOpsets } from './decodeProto.js';
import { FileWindow } from './fileWindow.js';
import { foreignFormat } from './foreignFormats.js';
import type { Model, ModelFile } from './model.js';
import { notOnnx } from './modelErrors.js';
import { type ExternalFiles, externalFiles, type LocatedModel, locateModel } from './modelFiles.js';
import { walkModel } from './walk.js';

/**
 * Reads a model's structure and leaves its weights in their files: time and memory grow with nodes, not with bytes.
 *
 * Missing external data is a warning here and an error when the weights are needed. Doc strings, training information,
 * quantisation annotations and device configurations are not read.
 *
 * @throws UserError `model-unreadable`, `not-onnx`, `model-malformed`, `model-too-large`, `model-unsupported`,
 * `external-data-outside`.
 */
export function readModel(path: string): Promise<Model> {
  return new Promise((resolve) => {
    resolve(readModelSync(path));
  });
}

function readModelSync(path: string): Model {
  const located = locateModel(path);
  const window = new FileWindow(located.realPath, located.sizeBytes);
  try {
    const head = window.bytes(0, Math.min(512, located.sizeBytes)).slice();
    const foreign = foreignFormat(located.path, head, located.sizeBytes);
    if (foreign !== undefined) throw foreign;
    return walkedModel(window, located);
  } catch (error) {
    throw named(error, located.path);
  } finally {
    window.close();
  }
}

/** What is wrong deep inside does not know the file's name; the person does not know which file is meant. */
function named(error: unknown, path: string): unknown {
  if (!(error instanceof UserError) || error.message.includes(path)) return error;
  const { code, kind, cause, detail } = error;
  return new UserError(code, `${path}: ${error.message}`, { kind, cause, detail: { path, ...detail } });
}

function walkedModel(window: FileWindow, located: LocatedModel): Model {
  const warnings: string[] = [];
  const warn = (warning: string): void => {
    warnings.push(warning);
  };
  const external = externalFiles(located, warn);
  const { header, graph, functions } = walkModel({
    window,
    path: located.realPath,
    locate: external.locate,
    warn,
    depth: 0,
    counter: { items: 0 },
  });
  if (graph === undefined) {
    throw notOnnx(located.path, 'a file without a graph', 'Give the .onnx file that the exporter wrote.');
  }
  return {
    file: modelFile(located, external),
    irVersion: Number(header.irVersion),
    opsets: decodeOpsets(header.opsetImport),
    producerName: header.producerName,
    producerVersion: header.producerVersion,
    domain: header.domain,
    modelVersion: Number(header.modelVersion),
    metadata: decodeMetadata(header.metadataProps),
    graph,
    functions,
    warnings,
  };
}

function modelFile(located: LocatedModel, external: ExternalFiles): ModelFile {
  const { path, realPath, sizeBytes, modifiedMs } = located;
  const stamps = new Map([[realPath, { sizeBytes, modifiedMs }]]);
  let totalBytes = sizeBytes;
  for (const file of external.found()) {
    if (file.sizeBytes === undefined || stamps.has(file.path)) continue;
    totalBytes += file.sizeBytes;
    stamps.set(file.path, { sizeBytes: file.sizeBytes, modifiedMs: file.modifiedMs });
  }
  return {
    path,
    realPath,
    fileSizeBytes: sizeBytes,
    sizeBytes: totalBytes,
    externalPaths: [...stamps.keys()].slice(1),
    stamps,
  };
}
