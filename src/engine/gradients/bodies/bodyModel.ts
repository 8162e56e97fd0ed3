import { capturesOf } from '../../../onnx/graphIndex.js';
import type { Graph, Model, Tensor, ValueInfo, ValueType } from '../../../onnx/model.js';
import { mapDimensions } from '../../../onnx/shapes/declared.js';
import { inferTypes, type TypeTable } from '../../../onnx/shapes/inferTypes.js';
import type { TensorValue } from '../../../onnx/tensorValue.js';
import type { RuleContext } from '../gradientRule.js';

/** A body as a graph of its own: what it captures are inputs, or constants where they are constants outside. */
export interface BodyModel {
  readonly model: Model;
  readonly types: TypeTable;
}

/** A body and what is known about its inputs, by position. */
export interface TypedBody {
  readonly body: Graph;
  readonly inputTypes: readonly ValueType[];
}

/** Returns a body as a model, with the types of its values. */
export function bodyModel(context: RuleContext, { body, inputTypes }: TypedBody): BodyModel {
  const initializers = new Map(body.initializers);
  const inputs = body.inputs.map((input, i): ValueInfo => {
    const given = inputTypes[i];
    return given === undefined || given.kind === 'unknown' ? input : { ...input, type: protect(given) };
  });
  for (const name of capturesOf(body)) {
    const constant = constantTensor(context, name);
    if (constant !== undefined) initializers.set(name, constant);
    else inputs.push({ name, type: protect(context.typeOf(name)), metadata: new Map() });
  }
  const valueInfo = new Map(body.valueInfo);
  for (const name of body.nodes.flatMap((node) => node.outputs)) {
    // What was known of the whole model (a branch that sizes decide, say) need not follow from the body alone.
    const type = context.typeOf(name);
    if (type.kind === 'tensor') valueInfo.set(name, { name, type: protect(type), metadata: new Map() });
  }
  const model = context.builder.modelOf({ ...body, inputs, initializers, valueInfo });
  return { model, types: inferTypes(model, { keepsUnnamed: true }) };
}

/** Made-up names of sizes from outside are kept apart from those that inference makes inside. */
function protect(type: ValueType): ValueType {
  return mapDimensions(type, (size) => (typeof size === 'string' ? size.replaceAll('?', '?:') : size));
}

function constantTensor(context: RuleContext, name: string): Tensor | undefined {
  const initializer = context.builder.initializerOf(name);
  if (initializer !== undefined) return initializer;
  const value = context.constantOf(name);
  return value === undefined ? undefined : inlineTensor(name, value);
}

function inlineTensor(name: string, { dtype, dims, data }: TensorValue): Tensor | undefined {
  if (Array.isArray(data)) return undefined;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name, elementType: dtype, dims, source: { kind: 'inline', bytes } };
}
