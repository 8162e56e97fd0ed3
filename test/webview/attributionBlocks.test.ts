import assert from 'node:assert/strict';
import type { AudioBlock, CompareBlock } from '../../src/protocol/blocks.js';
import { hostileName, reportWithEveryBlock } from '../support/everyBlock.js';
import { openBlocks, shownText } from '../support/reportPage.js';

const every = reportWithEveryBlock().blocks;
const compare = every.find(({ type }) => type === 'compare') as CompareBlock;
const audio = every.find(({ type }) => type === 'audio') as AudioBlock;

describe('the compare block', () => {
  it('wipes between both sides with one slider, by keyboard too, and says how far', async () => {
    const { page } = await openBlocks([compare]);
    const slider = page.getByRole('slider', { name: 'Wipe' });
    assert.equal(await slider.getAttribute('aria-valuetext'), `50 % Gradient, 50 % ${hostileName}`);
    const clip = (): Promise<string> =>
      page.locator('ni-compare-block .right').evaluate((element) => getComputedStyle(element).clipPath);
    assert.equal(await clip(), 'inset(0px 0px 0px 50%)');
    await slider.focus();
    await page.keyboard.press('Home');
    assert.equal(await clip(), 'inset(0px 0px 0px 0%)');
    await page.keyboard.press('End');
    assert.equal(await clip(), 'inset(0px 0px 0px 100%)');
    assert.match((await slider.getAttribute('aria-valuetext')) ?? '', /^100 % Gradient/);
  });

  it('tells the values of both sides where one is pointed at, on a scale that both share', async () => {
    const { page } = await openBlocks([compare]);
    const status = page.locator('ni-compare-block [role=status]');
    const left = page.locator('ni-heat-map .stack').first();
    await left.focus();
    for (const key of ['ArrowRight', 'ArrowDown']) await page.keyboard.press(key);
    assert.equal((await status.textContent())?.trim(), `x 0, y 1: Gradient 0 · ${hostileName} NaN`);
    assert.equal(await page.locator('ni-compare-block ni-color-scale').count(), 1);
    assert.match(await shownText(page.locator('ni-color-scale')), /−1\s*\+1\s*not a number/);
    const box = await page.locator('ni-compare-block .pair').boundingBox();
    assert.ok(box !== null);
    await page.mouse.move(box.x + box.width * 0.9, box.y + box.height * 0.9);
    assert.match((await status.textContent()) ?? '', /^x 1, y 1: Gradient −1 · .* 0\.5$/);
  });

  it('keeps the place of the slider over a reload of its report', async () => {
    const view = await openBlocks([compare]);
    await view.page.getByRole('slider', { name: 'Wipe' }).fill('20');
    // What is moved is written when it has rested.
    await view.page.waitForTimeout(250);
    await view.reload();
    assert.equal(await view.page.getByRole('slider', { name: 'Wipe' }).inputValue(), '20');
  });
});

describe('the audio block', () => {
  it('shows the wave on the colours of its values and reads them by keyboard', async () => {
    const { page } = await openBlocks([audio]);
    const wave = page.getByRole('img', { name: 'Wave of beep.wav, on the colours of its values' });
    assert.equal(await page.getByRole('img', { name: 'Spectrogram of beep.wav' }).count(), 1);
    await wave.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    const status = page.locator('ni-sound [role=status]');
    assert.equal((await status.textContent())?.trim(), '0.02 s: 1');
    await page.keyboard.press('End');
    assert.equal((await status.textContent())?.trim(), '0.09 s: NaN');
    const heat = page.locator('ni-sound canvas.heat');
    const alphas = await heat.evaluate((canvas) => {
      const context = (canvas as HTMLCanvasElement).getContext('2d');
      const { data } = context!.getImageData(0, 0, 8, 1);
      return Array.from({ length: 8 }, (_, i) => data[i * 4 + 3]);
    });
    assert.deepEqual(alphas, [0, 235, 59, 0, 0, 0, 212, 255]);
  });

  it('plays all of it or what matters most, under the strict policy, and can be stopped', async () => {
    const { page } = await openBlocks([audio]);
    // What matters most: pieces 1 and 6 with their neighbours, of eight in a tenth of a second.
    assert.match(await page.locator('ni-sound .controls').innerText(), /0\.00–0\.04 s, 0\.06–0\.10 s/);
    const started = await page.evaluateHandle(() => {
      const starts: number[][] = [];
      class Heard extends AudioBufferSourceNode {
        override start(...args: number[]): void {
          starts.push(args);
          super.start(...args);
        }
      }
      window.AudioBufferSourceNode = Heard;
      return starts;
    });
    await page.getByRole('button', { name: 'Play what matters most' }).click();
    await page.waitForFunction((starts) => starts.length === 2, started);
    const spans = (await started.jsonValue()).map(([, from, length]) => [from, length]);
    const expected = [
      [0, 0.0375],
      [0.0625, 0.0375],
    ];
    for (const [index, [from, length]] of expected.entries()) {
      assert.ok(Math.abs(spans[index]![0]! - from!) < 1e-9);
      assert.ok(Math.abs(spans[index]![1]! - length!) < 1e-9);
    }
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
  });
});

for (const theme of ['light', 'dark', 'high-contrast-light', 'high-contrast'] as const) {
  it(`compare and audio blocks pass axe in the theme ${theme}`, async () => {
    const view = await openBlocks([compare, audio], { theme });
    await view.page.locator('ni-sound canvas').first().waitFor();
    await view.expectNoAxeViolations();
  });
}
