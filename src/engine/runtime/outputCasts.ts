import { type DataType, dataTypeFacts } from '../../onnx/dataTypes.js';
import type { Model, ValueInfo } from '../../onnx/model.js';
import { GraphBuilder } from '../graph/graphBuilder.js';

/** What outputs of types that the runtime cannot return are cast to, without loss: returning int4 and uint4 ends the process, the others throw. */
export const returnedAs: Partial<Record<DataType, DataType>> = {
  int4: 'int8',
  int2: 'int8',
  uint4: 'uint8',
  uint2: 'uint8',
  bfloat16: 'float32',
  float8e4m3fn: 'float32',
  float8e4m3fnuz: 'float32',
  float8e5m2: 'float32',
  float8e5m2fnuz: 'float32',
  float8e8m0: 'float32',
  float4e2m1: 'float32',
};

/** A model whose outputs the runtime can return, and where each output of the original is found in it. */
export interface ReturnableModel {
  readonly model: Model;
  /** Name of the output that carries it, by the original's output name; sequences, maps and optionals are left out. */
  readonly outputs: ReadonlyMap<string, string>;
}

/**
 * Returns the model with a Cast after every output whose declared type the runtime cannot return.
 *
 * Outputs of undeclared type are passed on as they are: whoever adds such outputs casts them first.
 */
export function withReturnableOutputs(model: Model): ReturnableModel {
  const tensors = model.graph.outputs.filter(({ type }) => type.kind === 'tensor' || type.kind === 'unknown');
  if (!tensors.some((output) => castTarget(output) !== undefined)) {
    return { model, outputs: new Map(tensors.map(({ name }) => [name, name])) };
  }
  const builder = new GraphBuilder(model);
  const outputs = new Map(
    tensors.map((output) => {
      const target = castTarget(output);
      const carrier =
        target === undefined ? output.name : builder.cast(output.name, dataTypeFacts(target).code);
      return [output.name, carrier] as const;
    }),
  );
  builder.setOutputs([...outputs.values()]);
  return { model: builder.build(), outputs };
}

function castTarget({ type }: ValueInfo): DataType | undefined {
  return type.kind === 'tensor' ? returnedAs[type.elementType] : undefined;
}
