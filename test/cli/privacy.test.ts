import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { runCli } from '../support/cliProcess.js';
import { samplesDir } from '../support/paths.js';
import { useTemporaryFolder } from '../support/temporaryFolder.js';

describe('privacy of a run', () => {
  const folder = useTemporaryFolder();

  it('knows a runtime whose usage reports can be switched off, or that has none', function () {
    // Windows builds have no reports of their own: they write trace events, which the system collects or not.
    if (process.platform === 'win32') return this.skip();
    const bin = join(runtimeFolder(), 'bin', 'napi-v6', process.platform, process.arch);
    const libraries = readdirSync(bin).filter((name) => name.startsWith('libonnxruntime'));
    assert(libraries.length > 0, `no library in ${bin}`);
    for (const name of libraries) {
      const bytes = readFileSync(join(bin, name));
      const reports = bytes.includes('events.data.microsoft.com');
      assert.equal(bytes.includes('ORT_DISABLE_TELEMETRY'), reports, name);
    }
  });

  it('leaves no machine id and no queue of events in the home folder or the temporary one', async () => {
    const home = join(folder(), 'home');
    const temporary = join(folder(), 'temporary');
    for (const dir of [home, temporary]) mkdirSync(dir, { recursive: true });
    const sample = join(samplesDir, 'dying-relu');
    const { code, stderr } = await runCli(
      [
        'run',
        'dead-neurons',
        join(sample, 'dying-relu.onnx'),
        '--data',
        join(sample, 'dying-relu.inspect.json'),
        '--provider',
        'cpu',
        '--limit',
        '10',
      ],
      {
        env: {
          HOME: home,
          USERPROFILE: home,
          XDG_CACHE_HOME: '',
          TMPDIR: temporary,
          ORT_DISABLE_TELEMETRY: '',
        },
      },
    );
    assert.equal(code, 0, stderr);
    assert.deepEqual(filesUnder(home), []);
    assert.deepEqual(filesUnder(temporary), []);
  });
});

function runtimeFolder(): string {
  return dirname(dirname(createRequire(import.meta.url).resolve('onnxruntime-node')));
}

function filesUnder(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' });
}
