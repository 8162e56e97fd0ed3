import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Quadrature } from '../src/engine/numeric/quadrature.js';
import { inlineValue } from '../src/onnx/loadTensor.js';
import { intsAttribute, type Model } from '../src/onnx/model.js';
import type { TensorValue } from '../src/onnx/tensorValue.js';

/** Integrated gradients in a process of PyTorch's. */
export interface TorchGradients {
  /** Σ of all scores, to see that both sides worked out the same. */
  readonly sum: number;
  readonly version: string;
  /** Runs all steps once and returns how long that took, in milliseconds. */
  time(): Promise<number>;
  close(): void;
}

/** What both sides integrate. */
export interface TorchProblem {
  readonly model: Model;
  readonly x: TensorValue;
  /** Explained class per row. */
  readonly targets: readonly number[];
  readonly rule: Quadrature;
  readonly threadCount: number;
}

/** Debian's package belongs to the system's interpreter, which need not be the first on the path. */
const interpreters = ['python3', '/usr/bin/python3'];

/** Returns an interpreter that has PyTorch, or undefined. */
export function pythonWithTorch(): string | undefined {
  return interpreters.find(
    (python) => spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0,
  );
}

/** Starts PyTorch on the same weights and inputs, and waits until it has run once. */
export async function openTorch(python: string, problem: TorchProblem): Promise<TorchGradients> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-pytorch-'));
  writeProblem(folder, problem);
  const script = join(dirname(fileURLToPath(import.meta.url)), 'integratedGradients.py');
  const child = spawn(python, [script, folder, String(problem.threadCount)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const next = linesOf(child);
  const { sum, version } = JSON.parse(await next()) as { sum: number; version: string };
  return {
    sum,
    version,
    time: async () => {
      child.stdin.write('run\n');
      return Number(await next());
    },
    close: () => {
      child.stdin.end();
      rmSync(folder, { recursive: true });
    },
  };
}

function linesOf(child: ChildProcess): () => Promise<string> {
  if (child.stdout === null) throw new Error('The process has no output.');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => {
    const next: IteratorResult<string, undefined> = await lines.next();
    if (next.done === true) throw new Error('PyTorch ended early.');
    return next.value;
  };
}

function writeProblem(folder: string, { model, x, targets, rule }: TorchProblem): void {
  const { graph } = model;
  const parts: Float32Array[] = [];
  const tensors: Record<string, { readonly start: number; readonly dims: readonly number[] }> = {};
  let start = 0;
  const add = (name: string, { data, dims }: TensorValue): void => {
    const numbers = Float32Array.from(data as Float32Array);
    tensors[name] = { start, dims };
    parts.push(numbers);
    start += numbers.length;
  };
  add('x', x);
  for (const [name, tensor] of graph.initializers) {
    const value = inlineValue(tensor);
    if (value !== undefined) add(name, value);
  }
  const nodes = graph.nodes.map((node) => ({
    opType: node.opType,
    inputs: node.inputs,
    output: node.outputs[0],
    attributes: Object.fromEntries(
      ['kernel_shape', 'strides', 'pads'].map((name) => [name, intsAttribute(node, name)]),
    ),
  }));
  const { points, weights } = rule;
  const output = graph.outputs[0]?.name;
  const text = { nodes, output, tensors, targets, points: [...points], weights: [...weights] };
  writeFileSync(join(folder, 'graph.json'), JSON.stringify(text));
  writeFileSync(join(folder, 'weights.bin'), Buffer.concat(parts.map((part) => new Uint8Array(part.buffer))));
}
