// `npm start`: installs, builds and answers one question about a sample model in the terminal.
import { join } from 'node:path';
import { build } from './build.mjs';
import { ensureInstalled, rootDir, run } from './setup.mjs';

ensureInstalled();
await build();

const sample = join('sample-models', 'dying-relu');
const args = [
  'run',
  'dead-neurons',
  join(sample, 'dying-relu.onnx'),
  '--data',
  join(sample, 'dying-relu.inspect.json'),
];
console.log(`\n$ neuron-inspector ${args.join(' ')}\n`);
run(process.execPath, [join(rootDir, 'dist', 'cli.js'), ...args]);
if (!process.argv.includes('--headless')) {
  console.log('\nThe editor is not part of this version yet. Next: node dist/cli.js help');
}
