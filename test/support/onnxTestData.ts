import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readTensorFile } from '../../src/data/onnxTensorFile.js';
import type { Model } from '../../src/onnx/model.js';
import { readModel } from '../../src/onnx/readModel.js';
import type { TensorValue } from '../../src/onnx/tensorValue.js';
import { toFloat64 } from '../../src/onnx/tensorValue.js';
import { fixturesDir } from './paths.js';

/** The committed subset of the ONNX conformance cases. */
export const committedCases = join(fixturesDir, 'onnx-testdata');

/** The conformance cases of the Debian package libonnx-testdata; absent where it is not installed. */
export const packagedCases: string | undefined = ['/usr/share/libonnx-testdata/data'].find((dir) =>
  existsSync(dir),
);

/** Defines a test over the whole conformance data: skipped by name, and counted, where it is not installed. */
export function itWithOnnxTestData(title: string, body: (dir: string) => unknown): void {
  const dir = packagedCases;
  if (dir === undefined) {
    it.skip(`${title} (skipped: the Debian package libonnx-testdata is not installed)`);
    return;
  }
  it(title, async function () {
    this.timeout(180_000);
    await body(dir);
  });
}

/** A conformance case: a model, inputs by name, and the outputs that the ONNX project stored for them. */
export interface ConformanceCase {
  readonly name: string;
  readonly model: Model;
  readonly feeds: Record<string, TensorValue>;
  readonly expected: Record<string, TensorValue>;
}

/** Names the cases below a folder. */
export function caseNames(dir: string): readonly string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(dir, entry.name, 'model.onnx')))
    .map((entry) => entry.name)
    .sort();
}

/** Reads a case; undefined when it has inputs or outputs that are no tensors, or no data. */
export async function readCase(dir: string, name: string): Promise<ConformanceCase | undefined> {
  const model = await readModel(join(dir, name, 'model.onnx'));
  const inputs = model.graph.inputs.filter((input) => !model.graph.initializers.has(input.name));
  const values = [...inputs, ...model.graph.outputs];
  if (values.some((value) => value.type.kind !== 'tensor')) return undefined;
  const data = join(dir, name, 'test_data_set_0');
  const feeds = await readAll(
    data,
    'input',
    inputs.map((input) => input.name),
  );
  const expected = await readAll(
    data,
    'output',
    model.graph.outputs.map((output) => output.name),
  );
  return feeds === undefined || expected === undefined ? undefined : { name, model, feeds, expected };
}

async function readAll(
  dir: string,
  kind: string,
  names: readonly string[],
): Promise<Record<string, TensorValue> | undefined> {
  const values: Record<string, TensorValue> = {};
  for (const [i, name] of names.entries()) {
    const path = join(dir, `${kind}_${i}.pb`);
    if (!existsSync(path)) return undefined;
    values[name] = (await readTensorFile(path)).value;
  }
  return values;
}

/** Returns the largest difference relative to max(1, |b|); infinite when shapes or NaNs differ. */
export function largestDifference(a: TensorValue, b: TensorValue): number {
  if (a.dims.join() !== b.dims.join()) return Infinity;
  if (Array.isArray(a.data) || Array.isArray(b.data)) {
    return JSON.stringify(a.data) === JSON.stringify(b.data) ? 0 : Infinity;
  }
  const [x, y] = [toFloat64(a), toFloat64(b)];
  let largest = 0;
  for (let i = 0; i < x.length; i++) {
    const [left, right] = [x[i]!, y[i]!];
    if (Object.is(left, right) || left === right) continue;
    const difference = Math.abs(left - right) / Math.max(1, Math.abs(right));
    largest = Math.max(largest, Number.isNaN(difference) ? Infinity : difference);
  }
  return largest;
}
