import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../src/base/random.js';
import { differentiate } from '../src/engine/gradients/differentiate.js';
import { latestOpset } from '../src/engine/gradients/gradientRule.js';
import { gradientRules } from '../src/engine/gradients/ruleTable.js';
import { GraphBuilder } from '../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../src/engine/runtime/ortRuntime.js';
import type { Feeds, Session } from '../src/engine/runtime/session.js';
import type { Model } from '../src/onnx/model.js';
import type { TypeTable } from '../src/onnx/shapes/typeTable.js';
import type { TensorValue } from '../src/onnx/tensorValue.js';
import { buildCase, type BuiltCase } from '../test/support/gradientCase.js';
import { rootDir } from '../test/support/paths.js';
import { inside } from '../test/support/smallGradientCases.js';
import { normalTensor } from '../test/support/modelBuilder.js';
import type { BenchRow } from './benchRow.js';
import { type TypicalCase, typicalCases, unmeasuredOperators } from './typicalCases.js';

/** Interleaved repeats; the fastest are compared, since what else runs on a machine only ever adds. */
const repeatCount = 21;

/** Forms that the driver differentiates begin here. */
const firstOpset = 17;

const runtime = createRuntime({ provider: 'cpu', threadCount: 2 });

/** Measures the gradient of every differentiable operator, its forward pass included, against the operator alone. */
export async function run(): Promise<BenchRow[]> {
  const missing = gradientRules
    .map((rule) => rule.opType)
    .filter((op) => !typicalCases.has(op) && !unmeasuredOperators.includes(op));
  if (missing.length > 0) throw new Error(`No typical case: ${[...new Set(missing)].join(', ')}.`);
  const rows: BenchRow[] = [];
  for (const [op, given] of [...typicalCases].sort(([a], [b]) => (a < b ? -1 : 1))) {
    rows.push(await measure(op, given));
  }
  return rows;
}

/** Writes `docs/operator-times.md`. */
export function write(rows: readonly BenchRow[]): void {
  const lines = rows.map(({ name, ratio = NaN, value = NaN }) => {
    const [operator = '', ...operands] = name.split(' ');
    return `| \`${operator}\` | ${operands.join(' ')} | ${value.toPrecision(2)} | ${ratio.toFixed(1)} |`;
  });
  const text = `# What gradients of operators cost

Every operator with a gradient of its own, and some composites, at sizes that networks have: the time of a run that
computes it and the gradients by all its floating-point operands, over the time of a run that computes it alone. Fastest of
${repeatCount} interleaved repeats on 2 cores; only first numbers of results leave the runtime, in both runs. Written by
\`npm run bench operators -- --write\` from \`bench/typicalCases.ts\`. Ratios can be trusted, absolute times belong to one
machine; below 0.2 ms the cost of any run shows.

| operator | operands | forward, ms | with gradients, × |
| --- | --- | --- | --- |
${lines.join('\n')}
`;
  writeFileSync(join(rootDir, 'docs', 'operator-times.md'), text);
}

async function measure(op: string, given: TypicalCase): Promise<BenchRow> {
  const rule = gradientRules.find((each) => each.opType === op);
  const opset = Math.min(latestOpset, Math.max(firstOpset, given.opset ?? rule?.opsets[0] ?? firstOpset));
  const domain = given.domain ?? rule?.domain ?? '';
  const built = buildCase({ map: inside, ...given, op, domain, opset }, createRandom(3));
  const seeded = built.outputs.filter((_, i) => given.seeded?.includes(i) ?? true);
  const shapes = given.inputs.filter((input) => input !== '').map(shapeOf);
  const forward = await open(withFirsts(built.model, seeded), built.feeds);
  const { model, feeds } = await withGradients(built, seeded);
  const backward = await open(model, feeds);
  const times: [number[], number[]] = [[], []];
  for (let i = 0; i <= repeatCount; i++) {
    for (const [k, each] of [forward, backward].entries()) {
      const ms = await each.time();
      // The first run also lays out its memory.
      if (i > 0) times[k]?.push(ms);
    }
  }
  await forward.session.close();
  await backward.session.close();
  const [forwardMs, bothMs] = times.map((all) => Math.min(...all)) as [number, number];
  return { name: `${op} ${shapes.join(' ')}`, ratio: bothMs / forwardMs, value: forwardMs, unit: 'ms' };
}

function shapeOf(input: TypicalCase['inputs'][number]): string {
  if (typeof input === 'string') return '';
  const dims = 'dtype' in input ? input.dims : 'wrt' in input ? input.wrt.dims : input;
  return `[${dims.join(', ')}]`;
}

async function open(
  model: Model,
  feeds: Feeds,
): Promise<{ readonly session: Session; readonly time: () => Promise<number> }> {
  const session = await runtime.open(model);
  return {
    session,
    time: async () => {
      const start = performance.now();
      await session.run(feeds);
      return performance.now() - start;
    },
  };
}

/**
 * Only first numbers come out: copying results into JavaScript would take longer than most operators. No norms, which take numbers in
 * any order: the runtime would leave out what brings them into theirs.
 */
function withFirsts(model: Model, values: readonly string[]): Model {
  const builder = new GraphBuilder(model);
  const [flat, first] = [builder.int64s([-1]), builder.int64s([0])];
  builder.setOutputs(
    values.map((value) => builder.node('Gather', [builder.node('Reshape', [value, flat]), first])),
  );
  return builder.build();
}

async function withGradients(
  built: BuiltCase,
  seeded: readonly string[],
): Promise<{ readonly model: Model; readonly feeds: Feeds }> {
  const values = await valuesOf(built);
  const builder = new GraphBuilder(built.model);
  const feeds: Record<string, TensorValue> = { ...built.feeds };
  const seeds = seeded.map((value) => {
    const { dims } = values[value]!;
    const cotangent = builder.addInput(`${value}_bar`, {
      kind: 'tensor',
      elementType: 'float32',
      shape: dims,
    });
    feeds[cotangent] = normalTensor(createRandom(4), dims);
    return { value, cotangent };
  });
  const known = Object.entries({ ...values, ...built.feeds });
  const types: TypeTable = new Map(
    known.map(([name, { dtype, dims }]) => [name, { kind: 'tensor', elementType: dtype, shape: dims }]),
  );
  const { model, gradients } = differentiate(builder.build(), { seeds, wrt: built.wrt, types });
  return { model: withFirsts(model, [...gradients.values()]), feeds };
}

async function valuesOf(built: BuiltCase): Promise<Feeds> {
  const session = await runtime.open(built.model);
  const values = await session.run(built.feeds);
  await session.close();
  return values;
}
