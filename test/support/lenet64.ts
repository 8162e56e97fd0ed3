import { loadTensor } from '../../src/onnx/loadTensor.js';
import type { Model } from '../../src/onnx/model.js';
import { toFloat64 } from '../../src/onnx/tensorValue.js';

// The reference LeNet by hand in float64, gradients included: shares nothing with the engine but the weights.

/** What the hand-written network gives at one image. */
export interface Lenet64 {
  readonly logits: Float64Array;
  /** ∂ logit / ∂x. */
  logitGradient(target: number): Float64Array;
  /** ∂ fc1[unit] / ∂x. */
  fc1Gradient(unit: number): Float64Array;
  /** Smallest lead of a max-pool window's winner over the runner-up, among windows that win above zero and do not tie exactly. */
  readonly smallestLead: number;
}

/** Returns the network as a function of an image of 28 × 28. */
export async function lenet64(model: Model): Promise<(x: Float64Array) => Lenet64> {
  const weights = new Map<string, Float64Array>();
  for (const [name, tensor] of model.graph.initializers) {
    weights.set(name, toFloat64(await loadTensor(tensor)));
  }
  const w = (layer: string): Float64Array => weights.get(`${layer}.weight`)!;
  const b = (layer: string): Float64Array => weights.get(`${layer}.bias`)!;
  const conv1: ConvShape = { from: 1, to: 6, side: 28, pad: 2 };
  const conv2: ConvShape = { from: 6, to: 16, side: 14, pad: 0 };
  return (x) => {
    const c1 = convolve(x, w('conv1'), { ...conv1, bias: b('conv1') });
    const p1 = pool(relu(c1), 28);
    const c2 = convolve(p1.values, w('conv2'), { ...conv2, bias: b('conv2') });
    const p2 = pool(relu(c2), 10);
    const f1 = dense(p2.values, w('fc1'), b('fc1'));
    const f2 = dense(relu(f1), w('fc2'), b('fc2'));
    const logits = dense(relu(f2), w('fc3'), b('fc3'));
    const fromFc1 = (g: Float64Array): Float64Array => {
      const g2 = mask(unpool(denseBack(g, w('fc1'), 400), p2.winners, c2.length), c2);
      const g1 = mask(unpool(convolveBack(g2, w('conv2'), conv2), p1.winners, c1.length), c1);
      return convolveBack(g1, w('conv1'), conv1);
    };
    return {
      logits,
      smallestLead: Math.min(p1.smallestLead, p2.smallestLead),
      fc1Gradient: (unit) => fromFc1(oneHot(120, unit)),
      logitGradient: (target) => {
        const g2 = mask(denseBack(oneHot(10, target), w('fc3'), 84), f2);
        return fromFc1(mask(denseBack(g2, w('fc2'), 120), f1));
      },
    };
  };
}

interface ConvShape {
  readonly from: number;
  readonly to: number;
  readonly side: number;
  readonly pad: number;
}

/** Visits every product of a 5 × 5 convolution: indices into input, weight and output. */
function forEachProduct(shape: ConvShape, visit: (x: number, weight: number, y: number) => void): void {
  const { from, to, side, pad } = shape;
  const out = side + 2 * pad - 4;
  for (let c = 0; c < to; c++) {
    for (let i = 0; i < out; i++) {
      for (let j = 0; j < out; j++) {
        for (let d = 0; d < from; d++) {
          for (let k = 0; k < 25; k++) {
            const row = i + Math.floor(k / 5) - pad;
            const column = j + (k % 5) - pad;
            if (row < 0 || column < 0 || row >= side || column >= side) continue;
            visit((d * side + row) * side + column, (c * from + d) * 25 + k, (c * out + i) * out + j);
          }
        }
      }
    }
  }
}

function convolve(
  x: Float64Array,
  weight: Float64Array,
  shape: ConvShape & { readonly bias: Float64Array },
): Float64Array {
  const out = shape.side + 2 * shape.pad - 4;
  const y = Float64Array.from(
    { length: shape.to * out * out },
    (_, i) => shape.bias[Math.floor(i / (out * out))]!,
  );
  forEachProduct(shape, (xi, wi, yi) => (y[yi]! += x[xi]! * weight[wi]!));
  return y;
}

function convolveBack(g: Float64Array, weight: Float64Array, shape: ConvShape): Float64Array {
  const x = new Float64Array(shape.from * shape.side * shape.side);
  forEachProduct(shape, (xi, wi, yi) => (x[xi]! += g[yi]! * weight[wi]!));
  return x;
}

function pool(x: Float64Array, side: number) {
  const count = x.length / 4;
  const values = new Float64Array(count);
  const winners = new Int32Array(count);
  let smallestLead = Infinity;
  for (let o = 0; o < count; o++) {
    const half = side / 2;
    const first = Math.floor(o / half) * 2 * side + (o % half) * 2;
    const window = [first, first + 1, first + side, first + side + 1];
    // The first of equal maxima wins: indexOf.
    const best = Math.max(...window.map((i) => x[i]!));
    winners[o] = window[window.findIndex((i) => x[i] === best)]!;
    values[o] = best;
    const lead = best - Math.max(...window.filter((i) => x[i] !== best).map((i) => x[i]!));
    if (best > 0 && lead < smallestLead) smallestLead = lead;
  }
  return { values, winners, smallestLead };
}

function unpool(g: Float64Array, winners: Int32Array, length: number): Float64Array {
  const x = new Float64Array(length);
  for (const [o, winner] of winners.entries()) x[winner]! += g[o]!;
  return x;
}

function dense(x: Float64Array, weight: Float64Array, bias: Float64Array): Float64Array {
  return bias.map((start, i) => x.reduce((sum, value, k) => sum + value * weight[i * x.length + k]!, start));
}

function denseBack(g: Float64Array, weight: Float64Array, inputs: number): Float64Array {
  return new Float64Array(inputs).map((_, k) =>
    g.reduce((sum, value, i) => sum + value * weight[i * inputs + k]!, 0),
  );
}

function relu(x: Float64Array): Float64Array {
  return x.map((value) => Math.max(0, value));
}

function mask(g: Float64Array, x: Float64Array): Float64Array {
  return g.map((value, i) => (x[i]! > 0 ? value : 0));
}

function oneHot(length: number, index: number): Float64Array {
  return new Float64Array(length).map((_, i) => (i === index ? 1 : 0));
}
