import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { UserError } from '../../src/base/errors.js';
import { checkGradients } from '../../src/engine/gradients/checkGradients.js';
import { tap } from '../../src/engine/rewrites/tap.js';
import { fromOrtTensor, toOrtTensor } from '../../src/engine/runtime/ortTensors.js';
import type { Feeds } from '../../src/engine/runtime/session.js';
import { type Model, opsetOf, qualifiedOperator } from '../../src/onnx/model.js';
import { inferTypes } from '../../src/onnx/shapes/inferTypes.js';
import { oldestOpset } from '../../src/onnx/opsets/convert.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../src/onnx/tensorValue.js';
import type { GradientCheckRow, GradientCheckTable } from '../../src/protocol/gradientCheck.js';
import { caseRuntime } from './gradientCase.js';
import { type ConformanceCase, largestDifference } from './onnxTestData.js';

/** What came of one question about a case, and why when it is not the best answer. */
export interface Verdict {
  readonly status: 'passed' | 'failed' | 'missing' | 'not-applicable';
  readonly note: string;
}

/** What came of a conformance case. */
export interface ConformanceResult {
  readonly name: string;
  readonly opset: number;
  readonly operators: readonly string[];
  /** Whether the model gives the very same bits after it is parsed and written. */
  readonly write: Verdict;
  /** Whether exposing every value changes no output. */
  readonly tap: Verdict;
  /** Whether every gradient in it equals central differences. */
  readonly gradient: Verdict;
}

/** Operators whose results differ from run to run. */
const random = new Set([
  'Bernoulli',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Multinomial',
]);

/** Values that are exposed keep the runtime from fusing nodes, which then round apart: some units in the last place. */
const fusionTolerance = 1e-6;

/** Cases whose own data stand where a comparison with differences says nothing, and why. */
const explained: ReadonlyMap<string, string> = new Map([
  ['test_acosh_example', 'one of its numbers is 1, where Acosh ends and has no slope'],
  ['test_operator_sqrt', 'it takes roots of negative numbers'],
  ['test_softmax_large_number', 'a step relative to numbers of 10000 jumps over the whole Softmax'],
  ...['', '_default', '_default_mask', '_mask'].map((end): readonly [string, string] => [
    `test_training_dropout${end}`,
    'what is dropped is drawn at every run; the tests of training mode check it',
  ]),
  ...['', '_log_prob'].map((end): readonly [string, string] => [
    `test_sce_NCd1d2d3d4d5_mean_weight${end}`,
    'a mean over 6480 labels in float32 leaves differences an error of 0.012, above the tolerance of 0.01',
  ]),
]);

const passed: Verdict = { status: 'passed', note: '' };

/** Runs a case as it is, as it is written, with everything exposed, and checks its gradients. */
export async function conformanceOf(dir: string, found: ConformanceCase): Promise<ConformanceResult> {
  const { name, model, feeds } = found;
  const operators = [...new Set(model.graph.nodes.map(qualifiedOperator))];
  const about = { name, opset: opsetOf(model), operators };
  const isRandom = operators.some((operator) => random.has(operator));
  const original = isRandom
    ? 'its results are drawn at random'
    : await runFile(join(dir, name, 'model.onnx'), feeds);
  if (typeof original === 'string') {
    const none: Verdict = { status: 'not-applicable', note: original };
    return { ...about, write: none, tap: none, gradient: none };
  }
  return {
    ...about,
    write: await verdictOf(() => written(model, feeds, original)),
    tap: await verdictOf(() => tapped(model, feeds, original)),
    gradient: await gradientOf(found),
  };
}

async function verdictOf(question: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await question();
  } catch (error) {
    if (error instanceof UserError) return { status: 'failed', note: error.message };
    throw error;
  }
}

/** Outputs of the file itself, which the runtime reads on its own; or why there are none. */
async function runFile(path: string, feeds: Feeds): Promise<Record<string, TensorValue> | string> {
  let session: InferenceSession;
  try {
    session = await InferenceSession.create(path, { logSeverityLevel: 4, intraOpNumThreads: 1 });
  } catch {
    return 'the runtime does not open it';
  }
  try {
    const tensors = Object.entries(feeds).map(([name, value]) => [name, toOrtTensor(value, Tensor)] as const);
    const results = await session.run(Object.fromEntries(tensors));
    return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, fromOrtTensor(value)]));
  } catch {
    return 'the runtime does not run it on its own data';
  } finally {
    await session.release();
  }
}

async function written(model: Model, feeds: Feeds, original: Feeds): Promise<Verdict> {
  const session = await caseRuntime.open(model);
  const results = await session.run(feeds);
  await session.close();
  const changed = Object.keys(original).find((output) => !hasSameBits(results[output], original[output]));
  return changed === undefined ? passed : { status: 'failed', note: `output "${changed}" differs` };
}

async function tapped(model: Model, feeds: Feeds, original: Feeds): Promise<Verdict> {
  const types = inferTypes(model);
  const all = model.graph.nodes.flatMap((node) => node.outputs).filter((name) => isTensor(types.get(name)));
  const exposed = tap(model, all, types);
  const session = await caseRuntime.open(exposed.model);
  const results = await session.run(feeds);
  await session.close();
  for (const [output, value] of Object.entries(original)) {
    const ours = results[output];
    if (hasSameBits(ours, value)) continue;
    const difference = ours === undefined ? Infinity : largestDifference(ours, value);
    if (difference > fusionTolerance) {
      return { status: 'failed', note: `output "${output}" differs by ${difference}` };
    }
  }
  return passed;
}

function isTensor(type: { readonly kind: string } | undefined): boolean {
  return type?.kind === 'tensor';
}

/** Equal in type, shape and every bit. */
function hasSameBits(a: TensorValue | undefined, b: TensorValue | undefined): boolean {
  if (a === undefined || b === undefined || a.dtype !== b.dtype || a.dims.join() !== b.dims.join()) {
    return false;
  }
  if (Array.isArray(a.data) || Array.isArray(b.data)) {
    return JSON.stringify(a.data) === JSON.stringify(b.data);
  }
  const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer =>
    Buffer.from(buffer, byteOffset, byteLength);
  return bytes(a.data).equals(bytes(b.data));
}

async function gradientOf({ name, model, feeds }: ConformanceCase): Promise<Verdict> {
  const reason = explained.get(name);
  if (reason !== undefined) return { status: 'not-applicable', note: reason };
  if (opsetOf(model) < oldestOpset) {
    return {
      status: 'not-applicable',
      note: `written for an opset below ${oldestOpset}, the oldest that is read`,
    };
  }
  const first = await checked(model, feeds);
  if (first.status !== 'not-applicable') return first;
  // Differences are taken in float32: models of other floats are checked as models of that.
  const single = asSingle(model, feeds);
  const second = single === undefined ? first : await checked(single.model, single.feeds);
  return second.status === 'failed' || second.status === 'passed' ? second : first;
}

/** The same model and data in float32; undefined when nothing in them is of another float type. */
function asSingle(model: Model, feeds: Feeds): { readonly model: Model; readonly feeds: Feeds } | undefined {
  const isOther = (value: TensorValue): boolean => value.dtype === 'float64' || value.dtype === 'float16';
  if (!Object.values(feeds).some(isOther)) return undefined;
  const inputs = model.graph.inputs.map((input) => {
    const value = feeds[input.name];
    if (value === undefined || !isOther(value)) return input;
    return {
      ...input,
      type: { kind: 'tensor' as const, elementType: 'float32' as const, shape: value.dims },
    };
  });
  const outputs = model.graph.outputs.map((output) => ({ ...output, type: { kind: 'unknown' as const } }));
  const singles = Object.entries(feeds).map(([name, value]) => {
    const isSame = !isOther(value);
    return [name, isSame ? value : float32Tensor(Float32Array.from(toFloat64(value)), value.dims)] as const;
  });
  const graph = { ...model.graph, inputs, outputs, valueInfo: new Map() };
  return { model: { ...model, graph }, feeds: Object.fromEntries(singles) };
}

async function checked(model: Model, feeds: Feeds): Promise<Verdict> {
  try {
    return judgeTable(await checkGradients(model, caseRuntime, { feeds, seed: 1 }));
  } catch (error) {
    if (error instanceof UserError) return { status: 'missing', note: error.message };
    throw error;
  }
}

function judgeTable({ rows }: GradientCheckTable): Verdict {
  const of = (status: GradientCheckRow['status']): GradientCheckRow | undefined =>
    rows.find((row) => row.status === status);
  const said = (row: GradientCheckRow): string => `${row.operator}: ${row.note}`;
  const failed = of('failed');
  if (failed !== undefined) return { status: 'failed', note: said(failed) };
  const missing = rows.find((row) => row.status === 'no-rule' && row.operator !== '(whole model)');
  if (missing !== undefined) return { status: 'missing', note: said(missing) };
  if (of('passed') !== undefined) return passed;
  const reason = rows.find((row) => row.status === 'no-gradient') ?? of('not-checked');
  return { status: 'not-applicable', note: reason === undefined ? 'nothing to differentiate' : said(reason) };
}
