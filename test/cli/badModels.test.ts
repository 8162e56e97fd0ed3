import assert from 'node:assert/strict';
import { join } from 'node:path';
import { writeBadModel, writeClassifier } from '../support/cliModels.js';
import { type CliResult, runCli } from '../support/cliProcess.js';
import { useTemporaryFolder } from '../support/temporaryFolder.js';

/**
 * What each bad model is told, and whether already looking at its structure finds it. Dead neurons need only what is
 * before the last activation, so operators behind it are met with attribution.
 */
const cases: { what: string; says: RegExp; foundBy: 'inspect' | 'run'; analysis?: string }[] = [
  { what: 'random bytes', says: /bad\.onnx.*(ONNX|model)/, foundBy: 'inspect' },
  { what: 'empty', says: /bad\.onnx.*empty/, foundBy: 'inspect' },
  { what: 'text', says: /bad\.onnx.*(ONNX|model)/, foundBy: 'inspect' },
  { what: 'truncated', says: /bad\.onnx.*(truncated|ends|incomplete|damaged|cut)/i, foundBy: 'inspect' },
  { what: 'a giant length', says: /bad\.onnx/, foundBy: 'inspect' },
  { what: 'deep nesting', says: /nest|deep/i, foundBy: 'inspect' },
  { what: 'a cycle', says: /cycl|order|before it/i, foundBy: 'run' },
  { what: 'missing external data', says: /weights\.bin/, foundBy: 'run' },
  { what: 'external data outside', says: /outside/i, foundBy: 'inspect' },
  { what: 'absolute external data', says: /outside/i, foundBy: 'inspect' },
  { what: 'an unknown operator', says: /Frobnicate/, foundBy: 'run', analysis: 'attribution' },
  { what: 'an unknown domain', says: /com\.example/, foundBy: 'run', analysis: 'attribution' },
];

describe('the command line on bad models', function () {
  this.timeout(20_000);
  const folder = useTemporaryFolder();

  function isRefused(result: CliResult, says: RegExp): void {
    assert.equal(result.code, 2, result.stderr);
    assert.match(result.stderr.replaceAll('\n', ' '), says);
    assert.match(result.stderr, /^Error: /);
    assert(!result.stderr.includes('    at '), result.stderr);
    assert.equal(result.stdout, '');
  }

  for (const { what, says, foundBy, analysis = 'dead-neurons' } of cases) {
    it(`run refuses ${what} with exit 2 and says what is wrong`, async () => {
      const { data } = await writeClassifier(folder());
      const model = writeBadModel(folder(), what);
      isRefused(await runCli(['run', analysis, model, '--data', data]), says);
    });

    it(`inspect ${foundBy === 'inspect' ? 'refuses' : 'survives'} ${what}`, async () => {
      const result = await runCli(['inspect', writeBadModel(folder(), what)]);
      if (foundBy === 'inspect') isRefused(result, says);
      else assert([0, 2].includes(result.code ?? -1), result.stderr);
    });
  }

  it('says which file is missing', async () => {
    for (const args of [['inspect'], ['gradient-check'], ['run', 'dead-neurons']]) {
      const missing = join(folder(), 'nothing.onnx');
      const data = args[0] === 'run' ? ['--data', folder()] : [];
      isRefused(await runCli([...args, missing, ...data]), /nothing\.onnx/);
    }
  });

  it('refuses a folder as a model', async () => {
    isRefused(await runCli(['inspect', folder()]), /folder|director/);
  });
});
