import type { ValueType } from '../../../onnx/model.js';
import { appendDivisor, appendTotal, type Loss, type Reduction } from '../loss.js';

/** What is compared element by element. */
export interface ElementLossSettings {
  /** Value of the model. */
  readonly output: string;
  /** Name of the input with what it should be, shaped alike; default `targets`. */
  readonly targets?: string;
  /** Default `mean`. */
  readonly reduction?: Reduction;
}

/** Type of targets that are shaped like an output. */
export const targetType: ValueType = { kind: 'tensor', elementType: 'float32', shape: null };

/** Returns the squared error L = Σ (x − t)² / M, with dL/dx = 2(x − t)/M; M counts elements, or samples. */
export function squaredError({
  output,
  targets: name = 'targets',
  reduction = 'mean',
}: ElementLossSettings): Loss {
  return {
    kind: 'mean squared error',
    targets: [{ name, type: targetType }],
    append(builder) {
      const difference = builder.node('Sub', [output, name]);
      const divisor = appendDivisor(builder, output, reduction);
      const squares = builder.node('Mul', [difference, difference]);
      const loss = builder.node('Div', [appendTotal(builder, squares), divisor]);
      const doubled = builder.node('Add', [difference, difference]);
      return { loss, seeds: [{ value: output, cotangent: builder.node('Div', [doubled, divisor]) }] };
    },
  };
}
