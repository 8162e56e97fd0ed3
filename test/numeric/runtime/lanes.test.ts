import assert from 'node:assert/strict';
import { silentLogger } from '../../../src/base/logger.js';
import { createRandom } from '../../../src/base/random.js';
import { UserError } from '../../../src/base/errors.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { differentiate } from '../../../src/engine/gradients/differentiate.js';
import { runAhead } from '../../../src/engine/runtime/lanes/runAhead.js';
import { laneCounts, withLanes } from '../../../src/engine/runtime/lanes/withLanes.js';
import { meteredRuntime } from '../../../src/engine/runtime/meteredRuntime.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Feeds, Session } from '../../../src/engine/runtime/session.js';
import type { Model } from '../../../src/onnx/model.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { float32Tensor, type TensorValue } from '../../../src/onnx/tensorValue.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';

/** Inputs of 1, 2, 3, 1, … rows. */
function inputsOf(count: number, width: number): TensorValue[] {
  const random = createRandom(11);
  return Array.from({ length: count }, (_, i) => normalTensor(random, [(i % 3) + 1, width]));
}

/** The gradient by the input of the sum of a dense net's results. */
function gradientModel(): Model {
  const model = denseModel([6, 40, 30, 4], 'Tanh');
  const builder = new GraphBuilder(model);
  const value = model.graph.outputs[0]?.name ?? '';
  const cotangent = builder.node('Expand', [builder.scalar(1), builder.node('Shape', [value])]);
  const { model: both, gradients } = differentiate(builder.build(), {
    seeds: [{ value, cotangent }],
    wrt: ['x'],
    types: inferTypes(model),
  });
  const last = new GraphBuilder(both);
  last.setOutputs([value, gradients.get('x') ?? '']);
  return last.build();
}

async function collect(
  session: Session,
  items: readonly TensorValue[],
  worthSize: number,
): Promise<{ readonly item: TensorValue; readonly outputs: Feeds }[]> {
  const found = [];
  const runs = runAhead({ session, items, feedsOf: (x) => ({ x }), worthSize });
  for await (const run of runs) found.push(run);
  return found;
}

describe('runs in lanes', () => {
  const runtime = createRuntime({ provider: 'cpu', threadCount: 2 });
  const [always, never] = [-1, Infinity];

  it('give the same bits in the same order as one after the other', async () => {
    const session = await runtime.open(gradientModel());
    const items = inputsOf(12, 6);
    const alone = await collect(session, items, never);
    const together = await collect(session, items, always);
    await session.close();
    assert.equal((await session.lanes?.())?.count, 2);
    assert.deepEqual(
      together.map(({ item }) => item),
      items,
    );
    assert.deepEqual(together, alone);
    assert.ok(alone.every(({ outputs }) => Object.values(outputs).every((tensor) => tensor.data.length > 0)));
  });

  it('send the elements of a view, not all of the memory behind it', async () => {
    const session = await runtime.open(gradientModel());
    const large = normalTensor(createRandom(8), [5000, 6]);
    const data = (large.data as Float32Array).subarray(12, 24);
    const lanes = await session.lanes?.();
    const x: TensorValue = { dtype: 'float32', dims: [2, 6], data };
    assert.deepEqual(await lanes?.run({ x }), await session.run({ x: { ...x, data: data.slice() } }));
    await session.close();
    assert.equal(await session.lanes?.(), lanes);
  });

  it('give only the outputs that are wanted', async () => {
    const model = gradientModel();
    const session = await runtime.open(model);
    const [, gradient] = model.graph.outputs.map(({ name }) => name);
    const [x] = inputsOf(1, 6);
    const runs = runAhead({
      session,
      items: [x, x, x],
      feedsOf: (value) => ({ x: value ?? float32Tensor([], [0, 6]) }),
      outputNames: [gradient ?? ''],
      worthSize: always,
    });
    for await (const { outputs } of runs) assert.deepEqual(Object.keys(outputs), [gradient]);
    await session.close();
  });

  it('leave the event loop free, where a plain run blocks it', async () => {
    const session = await runtime.open(denseModel([600, 2000, 2000, 600]));
    const lanes = await session.lanes?.();
    assert.ok(lanes !== undefined);
    const x = normalTensor(createRandom(1), [256, 600]);
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 1);
    const results = await Promise.all([lanes.run({ x }), lanes.run({ x })]);
    clearInterval(ticking);
    await session.close();
    assert.ok(ticks > 1, `${String(ticks)} ticks`);
    assert.deepEqual(results[0], results[1]);
  });

  it('say what a run failed of, after the results before it, and go on with the next', async () => {
    const session = await runtime.open(gradientModel());
    const items = inputsOf(6, 6);
    items[3] = normalTensor(createRandom(2), [1, 7]);
    const found: TensorValue[] = [];
    await assert.rejects(
      async () => {
        const runs = runAhead({ session, items, feedsOf: (x) => ({ x }), worthSize: always });
        for await (const { item } of runs) found.push(item);
      },
      (error) => error instanceof UserError && error.code === 'run-failed',
    );
    assert.deepEqual(found, items.slice(0, 3));
    const again = await collect(session, items.slice(0, 3), always);
    assert.equal(again.length, 3);
    await session.close();
  });

  it('stop when nobody wants more, and are closed with the session', async () => {
    const session = await runtime.open(gradientModel());
    const items = inputsOf(20, 6);
    let started = 0;
    const feedsOf = (x: TensorValue): Feeds => {
      started++;
      return { x };
    };
    for await (const { item } of runAhead({ session, items, feedsOf, worthSize: always })) {
      if (item === items[4]) break;
    }
    assert.ok(started <= 4 + 1 + 3, `${String(started)} runs were started`);
    const lanes = await session.lanes?.();
    await session.close();
    await assert.rejects(lanes?.run({ x: items[0] ?? float32Tensor([], [0, 6]) }) ?? Promise.resolve());
  });

  it('are not opened for little work, one item or none', async () => {
    const session = await runtime.open(gradientModel());
    let asked = 0;
    const counting: Session = {
      ...session,
      lanes: () => {
        asked++;
        return Promise.resolve(undefined);
      },
    };
    assert.equal((await collect(counting, inputsOf(5, 6), 1e9)).length, 5);
    assert.equal((await collect(counting, inputsOf(1, 6), 0)).length, 1);
    assert.equal((await collect(counting, [], 0)).length, 0);
    assert.equal(asked, 0);
    assert.equal((await collect(counting, inputsOf(3, 6), 0)).length, 3);
    assert.equal(asked, 2);
    await session.close();
  });

  it('are opened for work that goes on, a few items at a time, and used from then on', async () => {
    const session = await runtime.open(gradientModel());
    let [asked, inLanes] = [0, 0];
    const counting: Session = {
      ...session,
      lanes: async () => {
        asked++;
        const lanes = await session.lanes?.();
        assert.ok(lanes !== undefined);
        return {
          ...lanes,
          run: (feeds, names) => {
            inLanes++;
            return lanes.run(feeds, names);
          },
        };
      },
    };
    const items = inputsOf(2, 6);
    let calls = 0;
    while (asked === 0 && calls < 100_000) {
      calls++;
      assert.equal((await collect(counting, items, 20_000)).length, 2);
    }
    assert.equal(asked, 1);
    assert.ok(calls > 1);
    inLanes = 0;
    await collect(counting, items, 20_000);
    assert.deepEqual([asked, inLanes], [1, 2]);
    await session.close();
  });

  it('are worth opening by the elements of a run, which its feeds tell', async () => {
    const session = await runtime.open(denseModel([6, 40, 4]));
    // x, two products with their biases and a Relu between them, for each row.
    const perRow = session.sizeOf?.({ x: normalTensor(createRandom(1), [1, 6]) }) ?? NaN;
    assert.ok(perRow >= 6 + 40 + 40 + 4, String(perRow));
    assert.equal(session.sizeOf?.({ x: normalTensor(createRandom(1), [7, 6]) }), 7 * perRow);
    await session.close();
  });

  it('are as many as threads, at most four, and none for one thread or large weights', () => {
    const small = denseModel([4, 4]);
    assert.equal(laneCounts(small, 1), undefined);
    assert.deepEqual(laneCounts(small, 2), { laneCount: 2, threadsPerLane: 1 });
    assert.deepEqual(laneCounts(small, 20), { laneCount: 4, threadsPerLane: 5 });
    const weight = { name: 'w', elementType: 'float32', dims: [5000, 5000] } as const;
    const large: Model = {
      ...small,
      graph: {
        ...small.graph,
        initializers: new Map([
          ['w', { ...weight, source: { kind: 'inline', bytes: new Uint8Array() } } as const],
        ]),
      },
    };
    assert.deepEqual(laneCounts(large, 8), { laneCount: 2, threadsPerLane: 4 });
    const twice = new Map([
      ...large.graph.initializers,
      ['v', { ...weight, name: 'v', source: { kind: 'inline', bytes: new Uint8Array() } } as const] as const,
    ]);
    assert.equal(laneCounts({ ...large, graph: { ...large.graph, initializers: twice } }, 8), undefined);
  });

  it('are given up, and what is open closed, where one cannot be opened', async () => {
    const session = await runtime.open(gradientModel());
    const closed: string[] = [];
    const warnings: string[] = [];
    let opened = 0;
    const laned = withLanes(session, gradientModel(), {
      threadCount: 3,
      log: { ...silentLogger, warn: (text) => warnings.push(text) },
      open: () => {
        const name = `lane ${String(opened++)}`;
        if (name === 'lane 1') return Promise.reject(new Error('no thread is left'));
        return Promise.resolve({ ...session, close: () => Promise.resolve(void closed.push(name)) });
      },
    });
    const items = inputsOf(5, 6);
    const found = await collect(laned, items, always);
    assert.deepEqual(
      found.map(({ item }) => item),
      items,
    );
    assert.deepEqual(closed, ['lane 0', 'lane 2']);
    assert.deepEqual(warnings, ['Runs go on one after the other: no thread is left']);
    await laned.close();
  });

  it('are counted by a meter', async () => {
    const meter = meteredRuntime(runtime);
    const session = await meter.open(gradientModel());
    const [x] = inputsOf(1, 6);
    await (await session.lanes?.())?.run({ x: x ?? float32Tensor([], [0, 6]) });
    assert.equal(meter.usage().largestRunBytes, 4 * (6 + 4 + 6));
    await session.close();
  });
});
