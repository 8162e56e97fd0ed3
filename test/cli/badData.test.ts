import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { float32Tensor } from '../../src/onnx/tensorValue.js';
import type { Report } from '../../src/protocol/report.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import { integerRows, nanRows, writeClassifier, writeX } from '../support/cliModels.js';
import { type CliResult, runCli } from '../support/cliProcess.js';
import { imageModel } from '../support/imageModel.js';
import { useTemporaryFolder } from '../support/temporaryFolder.js';

describe('the command line on bad data', function () {
  this.timeout(20_000);
  const folder = useTemporaryFolder();
  let model = '';
  beforeEach(async () => {
    ({ model } = await writeClassifier(folder()));
  });

  function run(data: string, ...more: string[]): Promise<CliResult> {
    return runCli(['run', 'dead-neurons', model, '--data', data, ...more]);
  }

  function isRefused(result: CliResult, says: RegExp): void {
    assert.equal(result.code, 2, result.stderr + result.stdout);
    assert.match(result.stderr.replaceAll('\n', ' '), says);
    assert(!result.stderr.includes('    at '), result.stderr);
  }

  it('asks for --data where it is needed, and points at the inspect file beside the model', async () => {
    const result = await runCli(['run', 'dead-neurons', model]);
    isRefused(result, /needs data.*--data/);
    writeFileSync(join(folder(), 'tiny.inspect.json'), '{}');
    isRefused(await runCli(['run', 'dead-neurons', model]), /tiny\.inspect\.json/);
  });

  it('names data that does not exist', async () => {
    isRefused(await run(join(folder(), 'nothing.npz')), /nothing\.npz/);
  });

  it('names a file of a kind it does not read', async () => {
    const path = join(folder(), 'notes.docx');
    writeFileSync(path, 'notes');
    isRefused(await run(path), /notes\.docx/);
  });

  it('refuses rows of the wrong width, naming both shapes', async () => {
    isRefused(await run(await writeX(folder(), float32Tensor(new Float32Array(20), [4, 5]))), /5.*6|6.*5/);
  });

  it('refuses an array that no input is named after', async () => {
    const path = join(folder(), 'y.npy');
    writeFileSync(path, 'not an array');
    isRefused(await run(path), /y\.npy/);
  });

  it('refuses empty data sets', async () => {
    isRefused(
      await run(await writeX(folder(), float32Tensor(new Float32Array(0), [0, 6]))),
      /no samples|empty/,
    );
    const empty = join(folder(), 'images');
    mkdirSync(empty);
    isRefused(await run(empty), /images/);
  });

  it('takes integers for floats and says that it assumed they are meant', async () => {
    const result = await run(await writeX(folder(), integerRows(4, 6)), '--json');
    assert.equal(result.code, 0, result.stderr);
    const { warnings } = JSON.parse(result.stdout) as Report;
    assert.ok(
      warnings.some((warning) => /"x" takes float32 and the data holds int64.*"dtype"/.test(warning)),
    );
  });

  it('names the axes of data in another layout than the model takes', async () => {
    const imagePath = join(folder(), 'image.onnx');
    await writeModel(imageModel(), imagePath);
    const heightWidthChannels = float32Tensor(new Float32Array(2 * 8 * 8 * 3).fill(0.5), [2, 8, 8, 3]);
    const data = await writeX(folder(), heightWidthChannels);
    isRefused(await runCli(['run', 'dead-neurons', imagePath, '--data', data]), /8.*8.*3/);
  });

  it('reports NaN in the data and does not count NaN as an answer', async () => {
    const result = await run(await writeX(folder(), nanRows(8, 6)), '--json');
    assert.equal(result.code, 0, result.stderr);
    const report = JSON.parse(result.stdout) as Report;
    const said = JSON.stringify([report.warnings, report.findings, report.summary]);
    assert.match(said, /NaN|not finite|not-finite/);
  });

  it('names an image that does not decode', async () => {
    const imagePath = join(folder(), 'image.onnx');
    await writeModel(imageModel(), imagePath);
    const broken = join(folder(), 'cat.png');
    writeFileSync(broken, 'this is no image');
    isRefused(await runCli(['run', 'dead-neurons', imagePath, '--data', broken]), /cat\.png/);
  });

  it('names the first problem of an inspect file', async () => {
    const path = join(folder(), 'tiny.inspect.json');
    writeFileSync(path, '{ "version": 1, ');
    isRefused(await run(path), /tiny\.inspect\.json/);
    writeFileSync(path, '{ "version": 1, "data": { "path": 3 } }');
    isRefused(await run(path), /tiny\.inspect\.json.*data\./);
  });
});
