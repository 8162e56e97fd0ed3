import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { writeNpz } from '../../../src/data/npz.js';
import { convertToOpset17 } from '../../../src/onnx/opsets/convert.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { rowsOf } from '../../support/memoryDataset.js';
import { maxDifference, type Oracle } from '../../support/oracle.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { elementwise } from '../../support/tensors.js';
import type { CoveredKey } from './attributionKeys.js';

/** Asserts that attribution reproduces keys of a network's reference numbers; `dir` takes the baselines' files. */
export async function assertKeys(oracle: Oracle, keys: readonly CoveredKey[], dir: string): Promise<void> {
  const model = convertToOpset17(await readModel(oracle.modelPath));
  const runs = new Map<string, ReportDraft>();
  const problems: string[] = [];
  for (const covered of keys) {
    const settings = {
      ...covered.settings,
      target: 'argmax',
      ...(await baselineSetting(oracle, covered, dir)),
    };
    const id = JSON.stringify([settings, covered.input]);
    const feeds = { x: oracle.tensor(covered.input ?? 'x') };
    const draft = runs.get(id) ?? (await runAttribution(model, feeds, settings));
    runs.set(id, draft);
    const actual = arrayOf(draft, covered.array ?? 'attribution');
    const expected = expectedOf(oracle, covered);
    const shown = shownAs(actual, covered.then);
    const difference = maxDifference(shown, expected);
    const tolerance = oracle.tolerance(covered.key) * (covered.slack ?? 1);
    if (!(difference <= tolerance)) problems.push(`${covered.key}: ${difference} > ${tolerance}`);
  }
  assert.deepEqual(problems, []);
}

function expectedOf(oracle: Oracle, { key, then }: CoveredKey): TensorValue {
  const expected = oracle.tensor(key);
  if (then !== 'target-column') return expected;
  const classes = expected.dims[1]!;
  const data = toFloat64(expected);
  // The explained class is the one predicted for the input, at the baseline too.
  const scores = key.startsWith('tiefree') ? toFloat64(oracle.tensor('tiefree_output')) : data;
  const picked = Array.from({ length: expected.dims[0]! }, (_, row) => {
    const logits = [...scores.subarray(row * classes, (row + 1) * classes)];
    return data[row * classes + logits.indexOf(Math.max(...logits))]!;
  });
  return float32Tensor(picked, [picked.length]);
}

function shownAs(tensor: TensorValue, then: CoveredKey['then']): TensorValue {
  if (then === 'absolute') return elementwise(tensor, Math.abs);
  return then === 'negated' ? elementwise(tensor, (value) => -value) : tensor;
}

async function baselineSetting(
  oracle: Oracle,
  { baseline, background, input = 'x' }: CoveredKey,
  dir: string,
): Promise<{ baseline?: string; background?: string }> {
  const key = background ?? baseline;
  if (key === undefined) return {};
  const path = join(dir, `${key}.npz`);
  const rows = oracle.tensor(key);
  const count = background === undefined ? oracle.tensor(input).dims[0]! : rows.dims[0]!;
  await writeNpz(path, { x: rowsOf(rows, 0, count) });
  return background === undefined ? { baseline: path } : { background: path };
}
