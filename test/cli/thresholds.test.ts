import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeClassifier } from '../support/cliModels.js';
import { runCli } from '../support/cliProcess.js';
import { useTemporaryFolder } from '../support/temporaryFolder.js';

describe('thresholds of an inspect file', function () {
  this.timeout(20_000);
  const folder = useTemporaryFolder();

  async function runWith(thresholds: unknown): Promise<{ code: number | null; stderr: string }> {
    const { model } = await writeClassifier(folder());
    const path = join(folder(), 'tiny.inspect.json');
    const data = { path: 'tiny.npz', inputs: { x: { layout: 'NC', scale: 1 } } };
    writeFileSync(path, JSON.stringify({ version: 1, data, thresholds }));
    return runCli(['run', 'dead-neurons', model, '--data', path]);
  }

  it('end a run with 1 when they are crossed, and say which', async () => {
    const { code, stderr } = await runWith([{ analysis: 'dead-neurons', failOn: 'neuronCount>3' }]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /Threshold crossed: .*neuronCount/);
  });

  it('end it with 0 when they hold, or are another analysis’s', async () => {
    assert.equal((await runWith([{ analysis: 'dead-neurons', failOn: ['neuronCount<3'] }])).code, 0);
    assert.equal((await runWith([{ analysis: 'attribution', failOn: 'output>-1000' }])).code, 0);
  });

  it('apply only under their own settings, and say so', async () => {
    const entry = { analysis: 'dead-neurons', settings: { epsilon: 0.5 }, failOn: 'neuronCount>3' };
    const { code, stderr } = await runWith([entry]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /for other settings/);
  });

  it('are refused when they name no metric', async () => {
    const { code, stderr } = await runWith([{ analysis: 'dead-neurons', failOn: 'ded>3' }]);
    assert.equal(code, 2);
    assert.match(stderr, /ded/);
  });
});
