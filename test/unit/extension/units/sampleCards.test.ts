import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger } from '../../../../src/base/logger.js';
import { SampleCards } from '../../../../src/extension/units/sampleCards.js';
import type { SampleCard } from '../../../../src/protocol/units.js';
import { useTemporaryFolder } from '../../../support/temporaryFolder.js';

const modelPath = '/models/net.onnx';

describe('cards of samples', () => {
  const folder = useTemporaryFolder();
  let asked: (readonly number[])[];
  let mayAsk: boolean;
  let answer: (indices: readonly number[]) => Promise<readonly SampleCard[]>;
  let warnings: string[];
  let notify: () => void;

  beforeEach(() => {
    asked = [];
    warnings = [];
    mayAsk = true;
    answer = (indices) => Promise.resolve(indices.map((index) => ({ index, id: `row ${String(index)}` })));
    writeFileSync(join(folder(), 'data.csv'), 'a,b\n1,2\n');
  });

  function cards(): SampleCards {
    return new SampleCards({
      folder: join(folder(), 'cards'),
      mayAsk: () => mayAsk,
      ask: (_, indices) => {
        asked.push(indices);
        return answer(indices);
      },
      changed: () => {
        notify();
      },
      log: { ...silentLogger, warn: (line) => warnings.push(line) },
    });
  }

  const source = (): { modelPath: string; dataPath: string } => ({
    modelPath,
    dataPath: join(folder(), 'data.csv'),
  });
  /** Asks, waits until something came, and asks again. */
  async function fetched(
    known: SampleCards,
    indices: readonly number[],
  ): Promise<readonly (SampleCard | undefined)[]> {
    const came = new Promise<void>((resolve) => {
      notify = resolve;
    });
    known.cards(source(), indices);
    await came;
    return known.cards(source(), indices);
  }
  const waitMs = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  it('come from the engine in the background, all that were named in one question', async () => {
    const known = cards();
    assert.deepEqual(known.cards(source(), [3]), [undefined]);
    const found = await fetched(known, [3, 5]);
    assert.deepEqual(
      found.map((card) => card?.id),
      ['row 3', 'row 5'],
    );
    assert.deepEqual(asked, [[3, 5]]);
  });

  it('are kept on disk for the next session', async () => {
    await fetched(cards(), [3]);
    const found = await fetched(cards(), [3]);
    assert.equal(found[0]?.id, 'row 3');
    assert.equal(asked.length, 1);
  });

  it('are asked for anew when the data changed', async () => {
    await fetched(cards(), [3]);
    writeFileSync(source().dataPath, 'a,b\n1,2\n3,4\n');
    await fetched(cards(), [3]);
    assert.equal(asked.length, 2);
  });

  it('are asked for anew when the data behind an inspect file changed', async () => {
    const inspect = join(folder(), 'net.inspect.json');
    writeFileSync(inspect, JSON.stringify({ version: 1, data: { path: 'data.csv', inputs: {} } }));
    const behind = { modelPath, dataPath: inspect };
    const ask = async (): Promise<void> => {
      const came = new Promise<void>((resolve) => {
        notify = resolve;
      });
      cards().cards(behind, [1]);
      await came;
    };
    await ask();
    await ask();
    assert.equal(asked.length, 1);
    utimesSync(join(folder(), 'data.csv'), 1, 1);
    await ask();
    assert.equal(asked.length, 2);
  });

  it('are not asked for where nothing may run, but those on disk are shown', async () => {
    await fetched(cards(), [3]);
    mayAsk = false;
    const found = await fetched(cards(), [3, 4]);
    assert.deepEqual(
      found.map((card) => card?.id),
      ['row 3', undefined],
    );
    await waitMs(60);
    assert.equal(asked.length, 1);
  });

  it('are not asked for again and again when the engine fails or has none', async () => {
    answer = () => Promise.reject(new Error('the engine was lost'));
    const failing = cards();
    failing.cards(source(), [3]);
    await waitMs(60);
    failing.cards(source(), [3]);
    await waitMs(60);
    assert.equal(asked.length, 1);
    assert.match(warnings.join(), /engine was lost/);
    failing.reset();
    answer = () => Promise.resolve([]);
    await fetched(failing, [9]);
    await waitMs(60);
    assert.equal(asked.length, 2);
  });

  it('on disk are written anew when the file is damaged', async () => {
    await fetched(cards(), [3]);
    const [name = ''] = readdirSync(join(folder(), 'cards'));
    writeFileSync(join(folder(), 'cards', name), '[{"index": 3');
    const found = await fetched(cards(), [3]);
    assert.equal(found[0]?.id, 'row 3');
    assert.match(warnings.join(), /damaged/);
  });

  it('on disk are no more than a few megabytes for each of a few data sets', async () => {
    const picture = {
      source: `data:image/png;base64,${'A'.repeat(3 * 2 ** 20)}`,
      width: 1,
      height: 1,
      alt: 'x',
    };
    answer = (indices) => Promise.resolve(indices.map((index) => ({ index, id: String(index), picture })));
    mkdirSync(join(folder(), 'cards'));
    for (let file = 0; file < 20; file++) {
      writeFileSync(join(folder(), 'cards', `old${String(file)}.json`), '[]');
    }
    // Three of 3 MB do not fit in 8 MB: the oldest goes.
    const found = await fetched(cards(), [1, 2, 3]);
    assert.deepEqual(
      found.map((card) => card !== undefined),
      [false, true, true],
    );
    assert.equal(readdirSync(join(folder(), 'cards')).length, 16);
  });
});
