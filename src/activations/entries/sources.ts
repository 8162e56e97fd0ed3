import type { ActivationSource } from '../entry.js';

/** The specification of an ONNX operator. */
export function onnxOperator(operator: string): ActivationSource {
  return {
    title: `ONNX operators: ${operator}`,
    year: null,
    url: `https://onnx.ai/onnx/operators/onnx__${operator}.html`,
  };
}

/** The documentation of an activation of Keras 3, which writes each as a formula. */
export function kerasActivation(name: string): ActivationSource {
  return {
    title: `keras3: activation_${name}`,
    year: null,
    url: `https://rdocumentation.org/packages/keras3/versions/1.5.1/topics/activation_${name}`,
  };
}

/** A preprint. */
export function arxiv(id: string, year: number, title: string): ActivationSource {
  return { title, year, url: `https://arxiv.org/abs/${id}` };
}
