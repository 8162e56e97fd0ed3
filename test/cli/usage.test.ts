import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstProblem, type Report } from '../../src/protocol/report.js';
import { writeClassifier } from '../support/cliModels.js';
import { runCli } from '../support/cliProcess.js';
import { reportWithEveryBlock } from '../support/everyBlock.js';
import { useTemporaryFolder } from '../support/temporaryFolder.js';

describe('the command line', function () {
  this.timeout(20_000);
  const folder = useTemporaryFolder();

  it('prints help for itself and every command, with examples', async () => {
    const help = await runCli(['--help']);
    assert.equal(help.code, 0);
    for (const name of ['inspect', 'analyses', 'run', 'export', 'gradient-check', 'completion']) {
      assert(help.stdout.includes(`  ${name} `), name);
      const page = await runCli(['help', name]);
      assert.equal(page.code, 0);
      assert.match(page.stdout, /Examples:\n {2}# /);
    }
    assert.equal((await runCli(['run', '--help'])).stdout, (await runCli(['help', 'run'])).stdout);
  });

  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    assert.equal((await runCli(['--version'])).stdout, `${version}\n`);
  });

  const usage: [readonly string[], RegExp][] = [
    [[], /^$/],
    [['inspekt', 'x.onnx'], /no command "inspekt".*"inspect"/],
    [['run'], /ID is missing/],
    [['run', 'dead-neurons'], /MODEL is missing/],
    [['run', 'dead-neuron', 'x.onnx'], /no analysis "dead-neuron".*"dead-neurons"/],
    [['run', 'dead-neurons', 'x.onnx', 'y', '--data', 'd'], /"y" is one argument too many/],
    [['run', 'dead-neurons', 'x.onnx', '--dta', 'd'], /no option --dta.*"--data"/],
    [['run', 'dead-neurons', 'x.onnx', '--data', 'd', '--set', 'nothing=1'], /no setting "nothing"/],
    [['run', 'dead-neurons', 'x.onnx', '--data', 'd', '--set', 'epsilon'], /key=value/],
    [['run', 'dead-neurons', 'x.onnx', '--data', 'd', '--set', 'epsilon=-1'], /epsilon.*"-1"/],
    [['run', 'attribution', 'x.onnx', '--data', 'd', '--set', 'method=gradeint'], /method.*"gradient"/],
    [['run', 'attribution', 'x.onnx', '--data', 'd', '--set', 'steps=0'], /steps.*"0"/],
    [['run', 'dead-neurons', 'x.onnx', '--data', 'd', '--seed', '-1'], /--seed.*0 to 4294967295/],
    [['run', 'dead-neurons', 'x.onnx', '--data', 'd', '--limit', '0'], /--limit/],
    [['run', 'dead-neurons', 'x.onnx', '--data', 'd', '--batch', 'x'], /--batch/],
    [['run', 'dead-neurons', 'x.onnx', '--data', 'd', '--provider', 'gpu'], /--provider.*cpu, webgpu/],
    [
      ['run', 'dead-neurons', 'x.onnx', '--data', 'd', '--fail-on', 'deadshare>1'],
      /no metric "deadshare".*"deadShare"/,
    ],
    [['run', 'dead-neurons', 'x.onnx', '--data', 'd', '--fail-on', 'deadShare'], /no threshold/],
    [['run', 'dead-neurons', 'x.onnx', '--data', 'd', '--report', '/nowhere/at/all.json'], /no folder/],
    [['run', 'dead-neurons', 'x.onnx', '--data', 'd', '--sarif', 'a', '--junit', './a'], /different files/],
    [['export', 'x.nireport.json'], /--html OUT/],
    [['export', 'x.nireport.json', '--html', 'x.html'], /x\.nireport\.json/],
    [['completion', 'tcsh'], /bash, zsh, fish/],
  ];
  for (const [args, says] of usage) {
    it(`exits 2 on: ${args.join(' ') || 'nothing'}`, async () => {
      const { code, stderr } = await runCli(args, { cwd: folder() });
      assert.equal(code, 2, stderr);
      assert.match(stderr.replaceAll('\n', ' '), says);
      assert(!stderr.includes('    at '), stderr);
    });
  }

  it('lists the analyses for people and programs', async () => {
    const text = await runCli(['analyses']);
    assert.match(text.stdout, /dead-neurons/);
    const list = JSON.parse((await runCli(['analyses', '--json'])).stdout) as {
      id: string;
      metrics: object;
    }[];
    for (const id of ['dead-neurons', 'activation-sparsity', 'attribution']) {
      const entry = list.find((candidate) => candidate.id === id);
      assert(entry !== undefined, id);
      assert('accuracy' in entry.metrics);
    }
  });

  it('runs an analysis, prints text, and writes everything that was asked for', async () => {
    const { model, data } = await writeClassifier(folder());
    const args = [
      'run',
      'dead-neurons',
      model,
      '--data',
      data,
      '--report',
      'r.nireport.json',
      '--arrays',
      'arrays',
    ];
    const more = ['--sarif', 'r.sarif', '--junit', 'r.xml', '--fail-on', 'deadCount>1000'];
    const result = await runCli([...args, ...more], { cwd: folder() });
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.stderr, '');
    const report = JSON.parse(readFileSync(join(folder(), 'r.nireport.json'), 'utf8')) as Report;
    assert.equal(firstProblem(report), undefined);
    assert(result.stdout.includes(report.summary.split(' ').slice(0, 3).join(' ')));
    for (const file of ['r.sarif', 'r.xml', 'arrays/arrays.json']) {
      assert(existsSync(join(folder(), file)), file);
    }
    const index = JSON.parse(readFileSync(join(folder(), 'arrays', 'arrays.json'), 'utf8')) as Record<
      string,
      { file: string }
    >;
    for (const [name, { file }] of Object.entries(index)) {
      assert.equal(report.arrays[name]?.file, file);
      assert(existsSync(join(folder(), 'arrays', file)));
    }
    assert.deepEqual(Object.keys(index).sort(), Object.keys(report.arrays).sort());
  });

  it('prints with --json the report and nothing else', async () => {
    const { model, data } = await writeClassifier(folder());
    const result = await runCli(['run', 'dead-neurons', model, '--data', data, '--json']);
    assert.equal(result.code, 0, result.stderr);
    assert.equal(firstProblem(JSON.parse(result.stdout)), undefined);
  });

  it('exits 1 on a crossed threshold and says which; the report is still written', async () => {
    const { model, data } = await writeClassifier(folder());
    const args = ['run', 'dead-neurons', model, '--data', data, '--report', 'r.json'];
    const result = await runCli([...args, '--fail-on', 'neuronCount>=1', '--fail-on', 'deadCount>1000'], {
      cwd: folder(),
    });
    assert.equal(result.code, 1, result.stderr);
    assert.match(result.stderr, /neuronCount is 8, which crosses/);
    assert(!result.stderr.includes('deadCount'));
    assert(existsSync(join(folder(), 'r.json')));
    const labels = await runCli([...args, '--fail-on', 'accuracy<0.5'], { cwd: folder() });
    assert.equal(labels.code, 1);
    assert.match(labels.stderr, /accuracy was not captured/);
  });

  it('calls a limited run partial and exits 0', async () => {
    const { model, data } = await writeClassifier(folder());
    const result = await runCli(['run', 'dead-neurons', model, '--data', data, '--limit', '5', '--json']);
    assert.equal(result.code, 0, result.stderr);
    const report = JSON.parse(result.stdout) as Report;
    assert.equal(report.status, 'partial');
    assert.match(report.warnings.join(' '), /5 of 64 samples/);
  });

  it('gives the same report for the same seed, apart from times', async () => {
    const { model, data } = await writeClassifier(folder());
    const texts: string[] = [];
    for (let i = 0; i < 2; i++) {
      const { stdout } = await runCli([
        'run',
        'dead-neurons',
        model,
        '--data',
        data,
        '--json',
        '--seed',
        '7',
      ]);
      texts.push(JSON.stringify({ ...(JSON.parse(stdout) as Report), createdAt: '', durationMs: 0 }));
    }
    assert.equal(texts[0], texts[1]);
  });

  it('exports a report to all three formats at once, and refuses what is no report', async () => {
    const report = join(folder(), 'r.nireport.json');
    writeFileSync(report, JSON.stringify(reportWithEveryBlock()));
    const result = await runCli(
      ['export', report, '--html', 'r.html', '--markdown', 'r.md', '--csv', 'r.csv'],
      { cwd: folder() },
    );
    assert.equal(result.code, 0, result.stderr);
    assert.match(readFileSync(join(folder(), 'r.html'), 'utf8'), /<svg .*role="img"/);
    assert.match(readFileSync(join(folder(), 'r.md'), 'utf8'), /^# Dead neurons/);
    assert.match(readFileSync(join(folder(), 'r.csv'), 'utf8'), /^Layers\r\n/);
    for (const text of ['', 'no json', '{}', '[]', '{"schemaVersion":2}']) {
      writeFileSync(report, text);
      const refused = await runCli(['export', report, '--html', 'x.html'], { cwd: folder() });
      assert.equal(refused.code, 2, refused.stderr);
      assert.match(refused.stderr, /r\.nireport\.json/);
      assert(!existsSync(join(folder(), 'x.html')));
    }
  });

  it('prints completion scripts that the shells accept', async () => {
    const scripts: [string, string, readonly string[]][] = [
      ['bash', 'bash', ['-n']],
      ['zsh', 'zsh', ['-n']],
      ['fish', 'fish', ['--no-execute']],
    ];
    for (const [shell, program, flags] of scripts) {
      const { code, stdout } = await runCli(['completion', shell]);
      assert.equal(code, 0);
      assert(stdout.includes('dead-neurons') && stdout.includes('gradient-check'));
      const path = join(folder(), shell);
      writeFileSync(path, stdout);
      const checked = spawnSync(program, [...flags, path], { encoding: 'utf8' });
      // Only bash is everywhere.
      if (checked.error === undefined || shell === 'bash') assert.equal(checked.status, 0, checked.stderr);
    }
    const script = `source ${join(folder(), 'bash')}; COMP_WORDS=(neuron-inspector run dead); COMP_CWORD=2; _neuron_inspector; echo "\${COMPREPLY[@]}"`;
    assert.equal(spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout, 'dead-neurons\n');
  });

  it('uses no colour and draws no bar without a terminal', async () => {
    const { model, data } = await writeClassifier(folder());
    const { stdout, stderr } = await runCli(['run', 'dead-neurons', model, '--data', data], {
      env: { NO_COLOR: '' },
    });
    assert(!stdout.includes('\u001b') && !stderr.includes('\u001b'));
    const forced = await runCli(['run', 'dead-neurons', model, '--data', data], {
      env: { NO_COLOR: '', FORCE_COLOR: '1' },
    });
    assert(forced.stdout.includes('\u001b[1m'));
  });
});
