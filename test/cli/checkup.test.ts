import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseReport } from '../../src/protocol/report.js';
import { writeClassifier } from '../support/cliModels.js';
import { runCli } from '../support/cliProcess.js';
import { useTemporaryFolder } from '../support/temporaryFolder.js';

describe('run checkup', function () {
  this.timeout(20_000);
  const folder = useTemporaryFolder();

  it('judges metrics of its parts, and writes their reports beside its own', async () => {
    const { model, data } = await writeClassifier(folder());
    const path = join(folder(), 'all.nireport.json');
    const args = [
      '--data',
      data,
      '--report',
      path,
      '--fail-on',
      'deadShare>=0',
      '--fail-on',
      'failedCount>0',
    ];
    const { code, stderr } = await runCli(['run', 'checkup', model, ...args]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /Threshold crossed: deadShare is .*, which crosses the threshold deadShare>=0\./);
    assert.doesNotMatch(stderr, /failedCount/);
    const read = (file: string): ReturnType<typeof parseReport> =>
      parseReport(JSON.parse(readFileSync(join(folder(), file), 'utf8')), file);
    const report = read('all.nireport.json');
    const dead = report.parts?.find(({ analysis }) => analysis === 'dead-neurons');
    assert.equal(dead?.file, 'all.dead-neurons.nireport.json');
    assert.equal(read(dead.file).metrics['deadShare'], report.metrics['deadShare']);
  });
});
