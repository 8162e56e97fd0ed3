import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootDir } from '../../test/support/paths.js';
import { cartPoleTrees } from './cartPoleTrees.js';
import { crossNetwork } from './crossNetwork.js';
import { cropYield } from './cropYield.js';
import { digitsFp16, digitsInt8 } from './convertedDigits.js';
import { digitsCnn } from './digitsCnn.js';
import { digitsVae } from './digitsVae.js';
import { dyingRelu } from './dyingRelu.js';
import { fashionCnn } from './fashionCnn.js';
import { inContext } from './inContext.js';
import { interestNetwork } from './interestNetwork.js';
import { marketingMix } from './marketingMix.js';
import { modularAddition } from './modularAddition.js';
import { powerTariff } from './powerTariff.js';
import { storyLm } from './storyLm.js';
import { toneCnn } from './toneCnn.js';
import { toneSpectrogram } from './toneSpectrogram.js';
import type { Sample, SampleFacts } from './sample.js';

const samples: readonly Sample[] = [
  digitsCnn,
  dyingRelu,
  fashionCnn,
  storyLm,
  digitsVae,
  modularAddition,
  inContext,
  crossNetwork,
  interestNetwork,
  marketingMix,
  cropYield,
  powerTariff,
  digitsInt8,
  digitsFp16,
  cartPoleTrees,
  toneCnn,
  toneSpectrogram,
];

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !samples.some((sample) => sample.name === name));
if (unknown.length > 0) {
  console.error(
    `There is no sample ${unknown.join(', ')}; there are ${samples.map(({ name }) => name).join(', ')}.`,
  );
  process.exit(2);
}
for (const sample of samples) {
  if (chosen.length === 0 || chosen.includes(sample.name)) await makeSample(sample);
}

async function makeSample(sample: Sample): Promise<void> {
  console.log(sample.name);
  const dir = join(rootDir, 'sample-models', sample.name);
  mkdirSync(join(dir, 'data'), { recursive: true });
  const start = Date.now();
  const facts = await sample.make({
    dir,
    log: (line) => {
      console.log(`  ${line}`);
    },
  });
  writeManifest(dir, sample.name, facts);
  const { name, value, on } = facts.metric;
  console.log(`  ${((Date.now() - start) / 1000).toFixed(0)} s, ${name} ${value} on ${on}`);
}

function writeManifest(dir: string, name: string, facts: SampleFacts): void {
  const { description, recipe, data, metric, more, files } = facts;
  const manifest = {
    name,
    description,
    recipe: { command: `npm run samples -- ${name}`, ...recipe },
    data,
    metric,
    ...more,
    sha256: Object.fromEntries(files.map((file) => [file, hashOf(join(dir, file))])),
  };
  writeFileSync(join(dir, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
