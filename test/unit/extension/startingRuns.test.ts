import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { deadNeurons } from '../../../src/analyses/health/dead-neurons.js';
import { rebaseInspectFile } from '../../../src/data/rebaseInspectFile.js';
import { askedRun } from '../../../src/extension/run/askedRun.js';
import { earlierRun } from '../../../src/extension/run/earlierRun.js';
import type { StoredResult } from '../../../src/extension/results/storedResult.js';
import { type Step, walkSteps } from '../../../src/extension/run/walkSteps.js';
import { approximateDuration } from '../../../src/protocol/approximateDuration.js';
import type { RunRequest } from '../../../src/protocol/engineMessages.js';
import type { InspectFile } from '../../../src/protocol/inspectFile.js';

type Letters = readonly string[];

/** A step that answers in turn what it is given: `back`, `cancelled`, or a text that is chosen. */
function scripted(letter: string, answers: string[], asked: string[]): Step<Letters> {
  return {
    isNeeded: (state) => !state.includes(`${letter}-known`),
    ask: (state, canGoBack) => {
      asked.push(`${letter}${canGoBack ? ' with a way back' : ''}`);
      const answer = answers.shift();
      assert(answer !== undefined, `${letter} was asked once too often`);
      if (answer === 'back' || answer === 'cancelled') return Promise.resolve({ kind: answer });
      return Promise.resolve({ kind: 'chosen', value: [...state, answer] });
    },
  };
}

describe('the steps to a run', () => {
  it('are asked in order, those only whose answer is not known', async () => {
    const asked: string[] = [];
    const steps = ['a', 'b', 'c'].map((letter) => scripted(letter, [letter], asked));
    assert.deepEqual(await walkSteps(steps, ['b-known']), ['b-known', 'a', 'c']);
    assert.deepEqual(asked, ['a', 'c with a way back']);
  });

  it('lead back to the one asked before, as it was then', async () => {
    const asked: string[] = [];
    const steps = [
      scripted('a', ['first', 'second'], asked),
      scripted('b', [], asked),
      scripted('c', ['back', 'c'], asked),
    ];
    assert.deepEqual(await walkSteps(steps, ['b-known']), ['b-known', 'second', 'c']);
    assert.deepEqual(asked, ['a', 'c with a way back', 'a', 'c with a way back']);
  });

  it('end without a result when the person leaves', async () => {
    const asked: string[] = [];
    const steps = [
      scripted('a', ['a'], asked),
      scripted('b', ['cancelled'], asked),
      scripted('c', [], asked),
    ];
    assert.equal(await walkSteps(steps, []), undefined);
  });

  it('take what is known without asking from the state at hand', async () => {
    const asked: string[] = [];
    const settling: Step<Letters> = {
      ...scripted('b', ['b'], asked),
      settle: (state) => Promise.resolve(state.includes('rich') ? [...state, 'b-known'] : state),
    };
    const steps = [scripted('a', ['rich'], asked), settling];
    assert.deepEqual(await walkSteps(steps, []), ['rich', 'b-known']);
  });
});

describe('what a run is asked', () => {
  it('leaves out settings at their defaults, so that equal runs are asked equally', () => {
    const options = { settings: { topExamples: 8, histogramBins: 4 }, seed: 1, provider: 'cpu' } as const;
    assert.deepEqual(askedRun(deadNeurons, { modelPath: '/m.onnx', dataPath: null }, options), {
      analysis: 'dead-neurons',
      modelPath: '/m.onnx',
      settings: { histogramBins: 4 },
      seed: 1,
      provider: 'cpu',
    });
  });
});

describe('an earlier run', () => {
  const asked = {
    analysis: 'dead-neurons',
    modelPath: '/m',
    dataPath: '/d',
    settings: {},
    seed: 0,
    provider: 'auto',
  } as const;
  const result = (
    id: string,
    parts: Omit<Partial<StoredResult>, 'request'> & { request?: Partial<RunRequest> },
  ): StoredResult => ({
    ...{ id, analysis: 'dead-neurons', title: '', summary: '', status: 'complete', modelPath: '/m' },
    ...{ sampleCount: 1, findingCount: 0, createdAt: '2025-01-01', durationMs: 1, crossed: [] },
    ...parts,
    request: { kind: 'run', ...asked, ...parts.request },
  });
  const found = (results: StoredResult[]): string | undefined =>
    earlierRun(results, asked, deadNeurons.settings)?.id;

  it('is the newest whole one that was asked the same, whatever the seed', () => {
    const results = [
      result('old', {}),
      result('new', { createdAt: '2025-02-01', request: { seed: 5, settings: { topExamples: 8 } } }),
      result('partial', { createdAt: '2025-03-01', status: 'partial' }),
    ];
    assert.equal(found(results), 'new');
  });

  it('is none that had other data, settings, samples, batch or provider', () => {
    const others: Partial<RunRequest>[] = [
      { dataPath: '/e' },
      { settings: { topExamples: 9 } },
      { limit: 10 },
      { batchSize: 4 },
      { provider: 'cpu' },
      { modelPath: '/n' },
    ];
    for (const request of others) {
      assert.equal(found([result('other', { request })]), undefined, JSON.stringify(request));
    }
  });
});

describe('an estimated duration', () => {
  it('is said as finely as an estimate can be', () => {
    const said = [200, 949, 950, 4200, 89_000, 90_000, 3_500_000, 3_600_000, 4_900_000].map(
      approximateDuration,
    );
    assert.deepEqual(said, [
      'less than 1 s',
      'less than 1 s',
      '≈ 1 s',
      '≈ 4 s',
      '≈ 89 s',
      '≈ 2 min',
      '≈ 58 min',
      '≈ 1 h',
      '≈ 1 h 20 min',
    ]);
  });
});

describe('an inspect file that is written to another folder', () => {
  it('means the same files there', () => {
    const from = resolve('/space/data');
    const file: InspectFile = {
      version: 1,
      model: '../models/net/net.onnx',
      data: { path: 'digits/images', inputs: {} },
      code: { path: '../training.py' },
    };
    for (const to of ['/space/models/net', '/space', '/space/data/digits', '/elsewhere'].map((path) =>
      resolve(path),
    )) {
      const moved = rebaseInspectFile(file, { from, to });
      assert.equal(resolve(to, moved.model ?? ''), resolve(from, file.model ?? ''));
      assert.equal(resolve(to, moved.data?.path ?? ''), join(from, 'digits', 'images'));
      assert.equal(resolve(to, moved.code?.path ?? ''), resolve('/space/training.py'));
      assert(!JSON.stringify(moved).includes('\\\\'), 'forward slashes mean the same on every system');
    }
  });

  it('keeps paths that are absolute already', () => {
    const model = resolve('/m/net.onnx');
    const moved = rebaseInspectFile({ version: 1, model }, { from: resolve('/a'), to: resolve('/b') });
    assert.equal(moved.model, model);
  });
});
