import { readFileSync } from 'node:fs';
import { decodeFunction, decodeGraph, decodeMetadata, decodeOpsets } from './decodeProto.js';
import type { Model } from './model.js';
import { malformed } from './modelErrors.js';
import { externalFiles, locateModel } from './modelFiles.js';
import { decodeMessage, ModelProtoSchema } from './protobuf.js';

/**
 * Reads a model's structure.
 *
 * @throws UserError when the file cannot be read or is no ONNX model.
 */
export function readModel(path: string): Promise<Model> {
  return new Promise((resolve) => {
    resolve(readModelSync(path));
  });
}

function readModelSync(path: string): Model {
  const located = locateModel(path);
  const warnings: string[] = [];
  const warn = (warning: string) => void warnings.push(warning);
  const external = externalFiles(located, warn);
  const proto = decodeMessage(ModelProtoSchema, readFileSync(located.realPath));
  const context = { path: located.realPath, locate: external.locate, warn, depth: 0 };
  if (proto.graph === undefined) throw malformed('it has no graph');
  const graph = decodeGraph(proto.graph, context);
  const functions = proto.functions.map((definition) => decodeFunction(definition, context));
  const found = external.found().filter((file) => file.sizeBytes !== undefined);
  return {
    file: {
      path: located.path,
      realPath: located.realPath,
      fileSizeBytes: located.sizeBytes,
      sizeBytes: found.reduce((sum, file) => sum + (file.sizeBytes ?? 0), located.sizeBytes),
      externalPaths: found.map((file) => file.path),
    },
    irVersion: Number(proto.irVersion),
    opsets: decodeOpsets(proto.opsetImport),
    producerName: proto.producerName,
    producerVersion: proto.producerVersion,
    domain: proto.domain,
    modelVersion: Number(proto.modelVersion),
    metadata: decodeMetadata(proto.metadataProps),
    graph,
    functions,
    warnings,
  };
}
