import { UserError } from '../../../base/errors.js';
import type { DataType } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';

/**
 * Returns the only input of a model and the shape of a row of it, as the model declares them.
 *
 * @throws UserError `inputs-missing` when there are several, `input-shape-open` when a size is open.
 */
export function declaredInput(model: Model): {
  readonly name: string;
  readonly elementType: DataType;
  readonly dims: readonly number[];
} {
  const inputs = model.graph.inputs.filter(({ name }) => !model.graph.initializers.has(name));
  const [input, ...others] = inputs;
  if (input === undefined || others.length > 0) {
    throw new UserError(
      'inputs-missing',
      `This model has ${String(inputs.length)} inputs (${inputs.map(({ name }) => name).join(', ')}), and one is looked for. Pass --data, which the others are held at.`,
    );
  }
  const { name, type } = input;
  const [, ...sizes] = (type.kind === 'tensor' ? type.shape : undefined) ?? [];
  const dims = sizes.filter((size) => typeof size === 'number' && size > 0).map(Number);
  if (type.kind !== 'tensor' || dims.length === 0 || dims.length < sizes.length) {
    throw new UserError(
      'input-shape-open',
      `The model leaves the shape of "${name}" open (a row is [${sizes.map((size) => String(size ?? '?')).join(', ')}]). Pass --data with inputs of the shape that is looked for.`,
      { detail: { name } },
    );
  }
  return { name, elementType: type.elementType, dims };
}
