import type { Model } from '../../onnx/model.js';

/**
 * Returns the model with initializers turned into graph inputs of the same type, so that they can be fed and trained.
 *
 * The runtime ignores feeds for overridable initializers, so the initializer itself has to go.
 *
 * @throws Error when the model has no such initializer.
 */
export function promoteToInputs(model: Model, names: readonly string[]): Model {
  const initializers = new Map(model.graph.initializers);
  const added = names.map((name) => {
    const tensor = initializers.get(name);
    if (tensor === undefined) throw new Error(`There is no initializer ${name} to promote to an input.`);
    initializers.delete(name);
    const type = { kind: 'tensor', elementType: tensor.elementType, shape: tensor.dims } as const;
    return { name, type, metadata: new Map<string, string>() };
  });
  const promoted = new Set(names);
  const inputs = model.graph.inputs.filter((input) => !promoted.has(input.name));
  return { ...model, graph: { ...model.graph, initializers, inputs: [...inputs, ...added] } };
}
