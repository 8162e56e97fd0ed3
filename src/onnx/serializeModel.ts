import { dirname, relative, sep } from 'node:path';
import { bodiesOf, type Graph, type GraphNode, type Model, type Tensor } from './model.js';
import { modelToProto, type PlaceTensor } from './encodeProto.js';
import { encodeMessage, ModelProtoSchema } from './protobuf.js';

/**
 * Returns the model as bytes for the runtime: small constants inside, weights as references (`external_data`) into the
 * files they are in.
 *
 * The references are relative to `weightsFolder(model)`.
 */
export function serializeModel(model: Model): Uint8Array {
  const folder = weightsFolder(model);
  return encodeMessage(ModelProtoSchema, modelToProto(model, referencesInto(folder)));
}

/** Returns the deepest folder that holds every file with weights of this model, undefined when there is none. */
export function weightsFolder(model: Model): string | undefined {
  const folders = new Set<string>();
  forEachTensor(model, ({ source }) => {
    if (source.kind === 'file') folders.add(dirname(source.path));
  });
  const [first, ...others] = folders;
  if (first === undefined) return undefined;
  return others.reduce(commonFolder, first);
}

function commonFolder(a: string, b: string): string {
  let folder = a;
  while (folder !== b && !b.startsWith(folder.endsWith(sep) ? folder : folder + sep)) {
    const parent = dirname(folder);
    if (parent === folder) return folder;
    folder = parent;
  }
  return folder;
}

function referencesInto(folder: string | undefined): PlaceTensor {
  return ({ source }) => {
    if (source.kind !== 'file' || folder === undefined) return 'embed';
    const location = relative(folder, source.path).split(sep).join('/');
    return { location, offset: source.offset, sizeBytes: source.sizeBytes };
  };
}

/** Calls back for every constant of a model: initializers and tensor attributes, in bodies and functions too. */
export function forEachTensor(model: Model, callback: (tensor: Tensor) => void): void {
  visitGraph(model.graph, callback);
  for (const definition of model.functions) {
    for (const node of definition.nodes) visitNode(node, callback);
  }
}

function visitGraph(graph: Graph, callback: (tensor: Tensor) => void): void {
  for (const tensor of graph.initializers.values()) callback(tensor);
  for (const { values, indices } of graph.sparseInitializers) {
    callback(values);
    callback(indices);
  }
  for (const node of graph.nodes) visitNode(node, callback);
}

function visitNode(node: GraphNode, callback: (tensor: Tensor) => void): void {
  for (const attribute of node.attributes.values()) {
    if (attribute.kind === 'tensor') callback(attribute.value);
    else if (attribute.kind === 'tensors') attribute.value.forEach(callback);
    else if (attribute.kind === 'sparse-tensor') {
      callback(attribute.value.values);
      callback(attribute.value.indices);
    }
  }
  for (const { graph } of bodiesOf(node)) visitGraph(graph, callback);
}
