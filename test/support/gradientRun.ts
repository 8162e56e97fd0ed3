import { differentiate } from '../../src/engine/gradients/differentiate.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { inferTypes } from '../../src/onnx/shapes/inferTypes.js';
import { type TensorValue, toFloat64 } from '../../src/onnx/tensorValue.js';
import { caseRuntime } from './gradientCase.js';

/** What is differentiated by what, at which point. */
export interface GradientRun {
  readonly feeds: Readonly<Record<string, TensorValue>>;
  readonly output: string;
  readonly cotangent: TensorValue;
  readonly wrt: string;
}

/** Returns the gradient of ⟨cotangent, output⟩ and the output, both run once. */
export async function runGradient(
  model: Model,
  { feeds, output, cotangent, wrt }: GradientRun,
): Promise<{ readonly gradient: Float64Array; readonly value: TensorValue }> {
  const builder = new GraphBuilder(model);
  const { dtype, dims } = cotangent;
  builder.addInput('cotangent', { kind: 'tensor', elementType: dtype, shape: dims });
  const seeds = [{ value: output, cotangent: 'cotangent' }];
  const types = inferTypes(builder.build(), { keepsUnnamed: true });
  const result = differentiate(builder.build(), { seeds, wrt: [wrt], types });
  const gradient = result.gradients.get(wrt);
  if (gradient === undefined) throw new Error(`No gradient flows to ${wrt}.`);
  const named = new GraphBuilder(result.model);
  named.node('Identity', [gradient], { outputs: ['gradient'] });
  named.setOutputs(['gradient', output]);
  const session = await caseRuntime.open(named.build());
  const values = await session.run({ ...feeds, cotangent });
  return { gradient: toFloat64(values['gradient']!), value: values[output]! };
}
