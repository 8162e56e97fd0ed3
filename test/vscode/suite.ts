import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'node:util';
import Mocha from 'mocha';

/** Runs the test files beside this one inside the extension host; rejects when a test failed. Called by the editor. */
export async function run(): Promise<void> {
  // The editor says much on the same channel; this mark tells the launcher what comes from here.
  Mocha.reporters.Base.consoleLog = (...values: unknown[]) => {
    console.log(`[test] ${format(...values)}`);
  };
  process.setSourceMapsEnabled(true);
  const grep = process.env['NEURON_INSPECTOR_TEST_GREP'] ?? '';
  const mocha = new Mocha({
    ui: 'bdd',
    timeout: 20_000,
    retries: 1,
    forbidOnly: true,
    color: false,
    reporter: join(__dirname, '..', '..', '..', 'scripts', 'mochaReporter.cjs'),
    ...(grep === '' ? {} : { fgrep: grep }),
  });
  for (const name of readdirSync(__dirname).sort()) {
    if (name.endsWith('.test.cjs')) mocha.addFile(join(__dirname, name));
  }
  const failed = await new Promise<number>((resolve) => mocha.run(resolve));
  if (failed > 0) throw new Error(`${failed} tests failed.`);
}
