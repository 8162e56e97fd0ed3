import assert from 'node:assert/strict';
import { fork, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readVsix } from '../../scripts/package/readVsix.js';
import { targets } from '../../scripts/package/targets.js';
import { encodePng } from '../../src/base/png.js';
import type { EngineMessage, HostMessage } from '../../src/protocol/engineMessages.js';
import type { ModelStructure } from '../../src/protocol/structure.js';
import {
  hostTarget,
  hostVsix,
  offline,
  runPackage,
  unpackVsix,
  vsixFile,
} from '../support/packagedExtension.js';
import { goldenDir, samplesDir } from '../support/paths.js';

// Other platforms are fetched (30 MB each): NEURON_INSPECTOR_ALL_TARGETS=1 makes and lists them too.
const isForAll = process.env['NEURON_INSPECTOR_ALL_TARGETS'] === '1';
const listed = targets.filter(({ name }) => name === hostTarget || isForAll);

describe('npm run package', function () {
  this.timeout(300_000);
  let folder = '';

  before(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'neuron-inspector-vsix-')));
    const others = listed.map(({ name }) => name).filter((name) => name !== hostTarget);
    if (others.length === 0) return;
    const { status, stderr } = runPackage(others, folder);
    assert.equal(status, 0, stderr);
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('says which targets there are when asked for another', () => {
    const { status, stderr } = runPackage(['solaris-sparc'], join(folder, 'none'));
    assert.equal(status, 2);
    assert.match(stderr, /no package for solaris-sparc; there are linux-x64.*darwin-arm64/);
  });

  it('makes the same bytes again, whatever the time zone and the rights of new files', () => {
    const again = join(folder, 'again');
    const umaskBefore = process.umask(0o077);
    try {
      const { status, stderr } = runPackage([hostTarget], again, { TZ: 'Pacific/Auckland', ...offline });
      assert.equal(status, 0, stderr);
    } finally {
      process.umask(umaskBefore);
    }
    assert.equal(sha256(vsixFile(again, hostTarget)), sha256(hostVsix()));
  });

  for (const { name, maxPackedBytes } of listed) {
    it(`puts into ${name} what was agreed, within its budget`, () => {
      const file = name === hostTarget ? hostVsix() : vsixFile(folder, name);
      assert(statSync(file).size <= maxPackedBytes);
      checkGolden(
        'entries.txt',
        readVsix(file).map(({ path }) => path),
        name,
      );
    });
  }

  describe('the unpacked extension, far from any node_modules', () => {
    let extension = '';

    before(() => {
      extension = unpackVsix(hostVsix(), join(folder, 'unpacked'));
      for (let dir = dirname(extension); dir !== dirname(dir); dir = dirname(dir)) {
        assert(!existsSync(join(dir, 'node_modules')), `${dir} has a node_modules`);
      }
    });

    it('holds every file that its package.json names', () => {
      const manifest = readFileSync(join(extension, 'package.json'), 'utf8');
      const named = new Set(manifest.match(/"(\.\/)?(dist|media|l10n)\/[^"]+"/g));
      assert(named.size > 3, 'the manifest names hardly a file');
      for (const quoted of named) {
        const path = quoted.slice(1, -1);
        assert(existsSync(join(extension, path)), path);
      }
    });

    it('holds every picture and icon that its code names', () => {
      const named = filesIn(join(extension, 'dist'))
        .filter((path) => path.endsWith('.cjs') && !path.includes('node_modules'))
        .flatMap((path) => [...readFileSync(path, 'utf8').matchAll(/"media",\s*"([\w.-]+)"/g)])
        .map(([, name = '']) => name);
      assert(named.length > 0, 'the code names no picture');
      for (const name of named) assert(existsSync(join(extension, 'media', name)), name);
    });

    it('has an English text for every %key% of its package.json', () => {
      const manifest = readFileSync(join(extension, 'package.json'), 'utf8');
      const texts = JSON.parse(readFileSync(join(extension, 'package.nls.json'), 'utf8')) as object;
      const keys = [...manifest.matchAll(/"%([^%"]+)%"/g)].map(([, key = '']) => key);
      assert(keys.length > 20);
      assert.deepEqual(
        keys.filter((key) => !(key in texts)),
        [],
      );
    });

    it('finds the dead neurons of the sample', () => {
      const sample = join(samplesDir, 'dying-relu');
      const { status, stdout, stderr } = runPackaged([
        'run',
        'dead-neurons',
        join(sample, 'dying-relu.onnx'),
        '--data',
        join(sample, 'dying-relu.inspect.json'),
        '--provider',
        'cpu',
        '--json',
      ]);
      assert.equal(status, 0, stderr);
      const report = JSON.parse(stdout) as { status: string; metrics: Record<string, number> };
      assert.equal(report.status, 'complete');
      // What the script that trained the sample counted on 10,000 images: on the 4,000 of them that are committed, at
      // least as many never fire.
      const { deadShares } = JSON.parse(readFileSync(join(sample, 'manifest.json'), 'utf8')) as {
        deadShares: { relu1: number; relu2: number; relu3: number };
      };
      const { relu1, relu2, relu3 } = deadShares;
      const { deadCount = 0, neuronCount, sampleCount } = report.metrics;
      assert.equal(neuronCount, 256 + 128 + 64);
      assert.equal(sampleCount, 4000);
      assert(deadCount >= relu1 * 256 + relu2 * 128 + relu3 * 64, String(deadCount));
    });

    it('reads pictures', () => {
      const pictures = join(folder, 'pictures');
      mkdirSync(pictures);
      for (const shade of [0, 255]) {
        const pixels = new Uint8Array(28 * 28).fill(shade);
        writeFileSync(join(pictures, `${String(shade)}.png`), encodePng(28, 28, pixels, 1));
      }
      const model = join(samplesDir, 'digits-cnn', 'digits-cnn.onnx');
      const { status, stdout, stderr } = runPackaged([
        'run',
        'activation-sparsity',
        model,
        '--data',
        pictures,
        '--provider',
        'cpu',
        '--json',
      ]);
      assert.equal(status, 0, stderr);
      assert.equal((JSON.parse(stdout) as { data: { sampleCount: number } }).data.sampleCount, 2);
    });

    it('reads the structure of a model in its reader process', async () => {
      const reader = fork(join(extension, 'dist', 'reader.js'), [], { serialization: 'advanced' });
      try {
        const answer = new Promise<EngineMessage>((resolve, reject) => {
          reader.on('message', resolve);
          reader.on('exit', (code) => {
            reject(new Error(`the reader ended with ${String(code)}`));
          });
        });
        const modelPath = join(samplesDir, 'digits-cnn', 'digits-cnn.onnx');
        const message: HostMessage = { kind: 'request', id: 1, request: { kind: 'structure', modelPath } };
        reader.send(message);
        const { kind, result } = (await answer) as { kind: string; result: ModelStructure };
        assert.equal(kind, 'done');
        // 105,866 by multiplying out the architecture that training.py shows.
        assert.equal(result.inspection.parameterCount, 105_866);
      } finally {
        reader.kill();
      }
    });

    function runPackaged(
      args: readonly string[],
    ): ReturnType<typeof spawnSync> & { stdout: string; stderr: string } {
      return spawnSync(process.execPath, [join(extension, 'dist', 'cli.js'), ...args], {
        cwd: folder,
        encoding: 'utf8',
      });
    }
  });
});

/** Compares the entries of a package with the committed list: hashes in names and the platform's own names are blanked. */
function checkGolden(name: string, paths: readonly string[], target: string): void {
  const golden = join(goldenDir, 'package', name);
  const lines = [...new Set(paths.map((path) => summarised(path, target)))].sort();
  if (process.env['UPDATE_GOLDENS'] === '1' && process.env['CI'] === undefined) {
    mkdirSync(dirname(golden), { recursive: true });
    writeFileSync(golden, `${lines.join('\n')}\n`);
  }
  // Windows builds of sharp hold their libvips themselves.
  const expected = readFileSync(golden, 'utf8')
    .trimEnd()
    .split('\n')
    .filter((line) => !(target.startsWith('win32') && line.includes('sharp-libvips')));
  assert.deepEqual(lines, expected);
}

/** Packages count as one entry, as do the pages, chunks and pictures, which come and go. */
function summarised(path: string, target: string): string {
  const inPackage = /^dist\/node_modules\/(@[^/]+\/)?[^/]+\//.exec(path)?.[0];
  const folder = /^(dist\/(webview|chunks|tree-sitter)|media\/\w+)\//.exec(path)?.[0];
  const entry = inPackage ?? folder ?? path;
  return entry.replace(target, 'TARGET');
}

function filesIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name));
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
