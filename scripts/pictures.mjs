// `npm run pictures`: makes the pictures of README, docs/first-minutes.md and the walkthrough anew, from what the story
// (test/story) sees in the real editor.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensureInstalled, rootDir } from './setup.mjs';

const screenshotsDir = join(rootDir, '.cache', 'screenshots', 'story');

/** Picture of the repository → screenshot of the story. */
const whole = {
  'media/readme/hover.png': '07-hover',
  'media/readme/neuron.png': '06-neuron',
  ...Object.fromEntries(
    [
      '01-inspect-model',
      '02-side-bar',
      '03-run-form',
      '04-report',
      '05-dead-neuron',
      '06-neuron',
      '07-hover',
      '08-tree',
    ].map((name) => [`docs/first-minutes/${name}.png`, name]),
  ),
};

/**
 * Step of the walkthrough → view of the story, of which there is a screenshot in every kind of theme, and the part of it
 * that the step is about: what is shown small must be near.
 */
const page = { left: 354, top: 36, width: 840, height: 720 };
const besideReport = { left: 968, top: 36, width: 632, height: 720 };
const steps = {
  openModel: ['model-layers', page],
  findDeadNeurons: ['run-form', page],
  readReport: ['report', page],
  openNeuron: ['neuron', besideReport],
  hoverCode: ['hover', besideReport],
};
const themes = ['light', 'dark', 'high-contrast', 'high-contrast-light'];

ensureInstalled();
const { default: sharp } = await import('sharp');
if (!process.argv.includes('--keep')) {
  const story = spawnSync(
    process.execPath,
    [join(rootDir, 'scripts', 'test.mjs'), 'story', '--grep=the first minutes with a model'],
    { cwd: rootDir, stdio: 'inherit' },
  );
  if (story.status !== 0) {
    console.error('The story did not come to its end; the pictures are left as they were.');
    process.exit(1);
  }
}
for (const [path, name] of Object.entries(whole))
  await write(path, sharp(join(screenshotsDir, `${name}.png`)));
for (const [step, [view, part]] of Object.entries(steps)) {
  for (const theme of themes) {
    const shot = sharp(join(screenshotsDir, 'views', `${view}-${theme}-1600.png`));
    await write(`media/walkthrough/${step}-${theme}.png`, shot.extract(part));
  }
}

/** Screens have few colours: a palette makes the files a third as large. */
async function write(path, picture) {
  const to = join(rootDir, path);
  mkdirSync(dirname(to), { recursive: true });
  const { size } = await picture.png({ palette: true, colours: 128, effort: 10 }).toFile(to);
  console.log(`${path}  ${Math.round(size / 1000)} kB`);
}
