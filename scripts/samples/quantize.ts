import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import { inlineValue } from '../../src/onnx/loadTensor.js';
import { type GraphNode, intAttribute, type Model } from '../../src/onnx/model.js';
import { float32Tensor, toFloat64 } from '../../src/onnx/tensorValue.js';

/** Smallest and largest element that a value took. */
export interface ValueRange {
  readonly low: number;
  readonly high: number;
}

/** Values that carry 8 bits: what enters a layer with weights, and what such a layer and its activation give. */
export function quantizedValues(model: Model): string[] {
  const { nodes, outputs } = model.graph;
  const isOutput = new Set(outputs.map((output) => output.name));
  const values = nodes.filter(hasWeight).flatMap((node) => [node.inputs[0] ?? '', activated(nodes, node)]);
  return [...new Set(values)].filter(
    (value) => !isOutput.has(value) && !leadsToOutput(nodes, value, isOutput),
  );
}

function hasWeight({ opType }: GraphNode): boolean {
  return opType === 'Conv' || opType === 'Gemm';
}

function activated(nodes: readonly GraphNode[], node: GraphNode): string {
  const value = node.outputs[0] ?? '';
  const relu = nodes.find((other) => other.opType === 'Relu' && other.inputs[0] === value);
  return relu?.outputs[0] ?? value;
}

/** Scores that only pass an Identity on their way out stay float32. */
function leadsToOutput(nodes: readonly GraphNode[], value: string, isOutput: ReadonlySet<string>): boolean {
  return nodes.some(
    (node) => node.opType === 'Identity' && node.inputs[0] === value && isOutput.has(node.outputs[0] ?? ''),
  );
}

/**
 * Returns the model with QuantizeLinear and DequantizeLinear around 8-bit values: weights int8 per output channel, symmetric, 7 of the bits in use;
 * values uint8 over their range, 0 always among the steps; biases int32 in steps of the two scales.
 */
export function quantize(model: Model, ranges: ReadonlyMap<string, ValueRange>): Model {
  return new Quantizer(model, ranges).run();
}

/**
 * Steps of a weight on each side of 0: 7 bits. With 8, kernels for processors without VNNI add two products in 16 bits and
 * saturate, and the same model would give other scores there.
 */
const weightSteps = 63;

class Quantizer {
  private readonly model: Model;
  private readonly ranges: ReadonlyMap<string, ValueRange>;
  private readonly builder: GraphBuilder;
  private readonly readAs = new Map<string, string>();

  constructor(model: Model, ranges: ReadonlyMap<string, ValueRange>) {
    this.model = model;
    this.ranges = ranges;
    const { graph } = model;
    const isQuantized = new Set(graph.nodes.filter(hasWeight).flatMap((node) => node.inputs.slice(1, 3)));
    const initializers = new Map([...graph.initializers].filter(([name]) => !isQuantized.has(name)));
    this.builder = new GraphBuilder({ ...model, graph: { ...graph, nodes: [], initializers } });
    for (const output of graph.nodes.flatMap((node) => node.outputs)) this.builder.freshName(output);
  }

  run(): Model {
    const { graph } = this.model;
    for (const { name } of graph.inputs) this.roundTrip(name);
    for (const node of graph.nodes) {
      const [x = '', weight = '', bias] = node.inputs;
      const inputs = node.inputs.map((input) => this.readAs.get(input) ?? input);
      if (hasWeight(node)) {
        const scales = this.weight(weight, unitAxisOf(node));
        inputs[1] = `${weight}_DequantizeLinear`;
        if (bias !== undefined) inputs[2] = this.bias(bias, { scales, input: this.scaleOf(x) });
      }
      this.builder.append({ ...node, inputs });
      for (const output of node.outputs) this.roundTrip(output);
    }
    return this.builder.build();
  }

  private scaleOf(value: string): number {
    const { low, high } = this.rangeOf(value);
    return Math.fround((high - low) / 255);
  }

  /** With 0 inside, so that it is a step of its own. */
  private rangeOf(value: string): ValueRange {
    const range = this.ranges.get(value);
    if (range === undefined) throw new Error(`The range of ${value} was not measured.`);
    return { low: Math.min(0, range.low), high: Math.max(0, range.high) };
  }

  private roundTrip(value: string): void {
    if (!this.ranges.has(value)) return;
    const { low } = this.rangeOf(value);
    const step = this.scaleOf(value);
    const scale = this.named(`${value}_scale`, Float32Array.of(step), []);
    const zero = Uint8Array.of(Math.round(-low / step));
    const zeroPoint = this.builder.initializer({
      name: `${value}_zero_point`,
      elementType: 'uint8',
      dims: [],
      source: { kind: 'inline', bytes: zero },
    });
    const stored = this.builder.node('QuantizeLinear', [value, scale, zeroPoint], {
      outputs: [`${value}_QuantizeLinear_Output`],
      name: `${value}_QuantizeLinear`,
    });
    this.dequantize(stored, { scale, zeroPoint, output: `${value}_DequantizeLinear_Output` });
    this.readAs.set(value, `${value}_DequantizeLinear_Output`);
  }

  private weight(name: string, axis: number): readonly number[] {
    const tensor = this.model.graph.initializers.get(name);
    const value = tensor && inlineValue(tensor);
    if (value === undefined) throw new Error(`The weight ${name} is not in memory.`);
    const numbers = toFloat64(value);
    const units = value.dims[axis] ?? 1;
    const inner = value.dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
    const unitOf = (index: number): number => Math.floor(index / inner) % units;
    const largest = new Float64Array(units);
    for (const [index, number] of numbers.entries()) {
      largest[unitOf(index)] = Math.max(largest[unitOf(index)] ?? 0, Math.abs(number));
    }
    const scales = Array.from(largest, (number) => Math.fround(number === 0 ? 1 : number / weightSteps));
    const steps = Int8Array.from(numbers, (number, index) =>
      Math.round(number / (scales[unitOf(index)] ?? 1)),
    );
    this.quantized(name, { bytes: new Uint8Array(steps.buffer), elementType: 'int8', dims: value.dims });
    const scale = this.named(`${name}_scale`, Float32Array.from(scales), [units]);
    const zeroPoint = this.builder.initializer({
      name: `${name}_zero_point`,
      elementType: 'int8',
      dims: [units],
      source: { kind: 'inline', bytes: new Uint8Array(units) },
    });
    this.dequantize(`${name}_quantized`, { scale, zeroPoint, output: `${name}_DequantizeLinear`, axis });
    return scales;
  }

  private bias(name: string, by: { readonly scales: readonly number[]; readonly input: number }): string {
    const tensor = this.model.graph.initializers.get(name);
    const value = tensor && inlineValue(tensor);
    if (value === undefined) throw new Error(`The bias ${name} is not in memory.`);
    const scales = by.scales.map((scale) => Math.fround(scale * by.input));
    const steps = Int32Array.from(toFloat64(value), (number, unit) =>
      Math.round(number / (scales[unit] ?? 1)),
    );
    this.quantized(name, { bytes: new Uint8Array(steps.buffer), elementType: 'int32', dims: value.dims });
    const scale = this.named(`${name}_scale`, Float32Array.from(scales), [scales.length]);
    return this.dequantize(`${name}_quantized`, { scale, output: `${name}_DequantizeLinear`, axis: 0 });
  }

  private quantized(
    name: string,
    {
      bytes,
      elementType,
      dims,
    }: { bytes: Uint8Array; elementType: 'int8' | 'int32'; dims: readonly number[] },
  ): void {
    const source = { kind: 'inline', bytes } as const;
    this.builder.initializer({ name: `${name}_quantized`, elementType, dims, source });
  }

  private dequantize(
    stored: string,
    { scale, zeroPoint, output, axis }: { scale: string; zeroPoint?: string; output: string; axis?: number },
  ): string {
    const operands = [stored, scale, ...(zeroPoint === undefined ? [] : [zeroPoint])];
    const attributes = axis === undefined ? {} : { axis };
    return this.builder.node('DequantizeLinear', operands, {
      outputs: [output],
      name: `${output}_node`,
      attributes,
    });
  }

  private named(name: string, data: Float32Array, dims: readonly number[]): string {
    const { dtype } = float32Tensor(data, dims);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return this.builder.initializer({ name, elementType: dtype, dims, source: { kind: 'inline', bytes } });
  }
}

function unitAxisOf(node: GraphNode): number {
  return node.opType === 'Conv' || intAttribute(node, 'transB', 0) === 1 ? 0 : 1;
}
