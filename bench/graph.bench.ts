import type { Page } from 'playwright-core';
import { drawnGraph } from '../src/onnx/drawnGraph.js';
import { GraphBuilder } from '../src/engine/graph/graphBuilder.js';
import type { Model } from '../src/onnx/model.js';
import { openedModel } from '../src/onnx/openedModel.js';
import { float32Tensor } from '../src/onnx/tensorValue.js';
import type { ModelGraph } from '../src/protocol/structure.js';
import type { ModelProtocol } from '../src/protocol/views/modelMessages.js';
import { chromiumPath, closeChromium } from '../test/support/chromium.js';
import { deepModel } from '../test/support/deepModel.js';
import { emptyModel, floatType } from '../test/support/modelBuilder.js';
import { modelContent, noFacts } from '../test/support/modelPage.js';
import { openView, type WebviewPage } from '../test/support/webviewPage.js';
import type { BenchRow } from './benchRow.js';
import { median } from './median.js';

// The page of a model of 10,000 nodes, or of 10,000 layers, in Chromium: from the moment its data are there, or a key is
// pressed, to what is drawn, by the page's own clock. Reading the file is `inspect.bench.ts`; that the data cross to the
// page, and the first load of its scripts, belong to the editor.

const repeats = 5;
const paintMs = 500;
const listMs = 300;
/** 200 blocks of 51 nodes. */
const blockCount = 200;
const layerCount = 10_000;

/** Measures first paint and expanding of the graph, and first paint and scrolling of the list of layers. */
export async function run(): Promise<BenchRow[]> {
  if (chromiumPath === undefined) {
    return [{ name: 'graph of 10,000 nodes', bar: `< ${paintMs} ms`, notMeasured: 'needs Chromium' }];
  }
  try {
    return [...(await measureGraph()), ...(await measureList())];
  } finally {
    await closeChromium();
  }
}

async function measureGraph(): Promise<BenchRow[]> {
  const small = shownModel(deepModel(1));
  const large = shownModel(deepModel(blockCount));
  const first: number[] = [];
  const expanded: number[] = [];
  const within: number[] = [];
  for (let round = 0; round < repeats; round++) {
    const view = await openSmall(small);
    await view.page.getByRole('tab', { name: /^Graph/ }).click();
    await view.page.getByRole('treeitem').first().waitFor();
    view.answer({ graph: () => large.graph });
    first.push(
      await drawn(view.page, { after: 'message', name: 'layers, module, 10,' }, () =>
        view.show(large.content),
      ),
    );
    await view.page.getByRole('treeitem', { name: /^layers,/ }).click();
    expanded.push(await opened(view.page, '0, module'));
    await view.page.keyboard.press('Shift+ArrowDown');
    await view.page.getByRole('treeitem', { name: /^0,/, selected: true }).waitFor();
    within.push(await opened(view.page, 'attn, module'));
    await view.page.close();
  }
  return [
    row(`graph of ${(blockCount * 51).toLocaleString('en-US')} nodes: first paint`, first, paintMs),
    row(`  opening a module of ${blockCount} modules`, expanded, paintMs),
    row('  opening one of them', within, paintMs),
  ];
}

/** Opens the chosen module by the keyboard and waits for what it holds. */
async function opened(page: Page, inside: string): Promise<number> {
  return drawn(page, { after: 'keydown', name: inside }, () => page.keyboard.press('Enter'));
}

async function measureList(): Promise<BenchRow[]> {
  const small = shownModel(deepModel(1));
  const large = shownModel(manyLayers());
  const first: number[] = [];
  const scrolled: number[] = [];
  for (let round = 0; round < repeats; round++) {
    const view = await openSmall(small);
    first.push(
      await drawn(view.page, { after: 'message', name: '10,001 lines' }, () => view.show(large.content)),
    );
    await view.page.getByRole('row').nth(2).click();
    scrolled.push(
      await drawn(view.page, { after: 'keydown', name: `${layerCount - 1}` }, () =>
        view.page.keyboard.press('End'),
      ),
    );
    await view.page.close();
  }
  return [
    row(`list of ${layerCount.toLocaleString('en-US')} layers: first paint`, first, listMs),
    row('  from the first to the last', scrolled, listMs),
  ];
}

/** What the host says of a model, made once. */
interface ShownModel {
  readonly content: ModelProtocol['show'];
  readonly graph: ModelGraph;
}

function shownModel(model: Model): ShownModel {
  const opened = openedModel(model);
  return { content: modelContent(opened), graph: drawnGraph(opened) };
}

/** Opens the page on a small model, so that its scripts are there when the large one comes. */
async function openSmall({ content, graph }: ShownModel): Promise<WebviewPage<ModelProtocol>> {
  const view = await openView<ModelProtocol>('model', {
    shows: [content, noFacts],
    answers: { graph: () => graph },
  });
  await view.page.getByRole('row').nth(1).waitFor();
  return view;
}

/** What to wait for in the page. */
interface Sign {
  /** The last event of this type before the sign starts the clock. */
  readonly after: 'message' | 'keydown';
  /** Beginning of the accessible name, or the whole text, of what is then there. */
  readonly name: string;
}

/** Returns the milliseconds from an event to the frame after something is there. */
async function drawn(page: Page, sign: Sign, act: () => Promise<unknown>): Promise<number> {
  const measured = page.evaluate(waitForSign, sign);
  // The page listens before anything happens.
  await page.evaluate(() => undefined);
  await act();
  return measured;
}

/** Runs in the page; refers to nothing outside itself. */
async function waitForSign({ after, name }: Sign): Promise<number> {
  let start = Number.NaN;
  addEventListener(after, () => (start = performance.now()), { capture: true });
  const isThere = (root: Document | ShadowRoot): boolean =>
    [...root.querySelectorAll('*')].some(
      (element) =>
        (element.getAttribute('aria-label') ?? '').startsWith(name) ||
        (element.childElementCount === 0 && element.textContent.trim() === name) ||
        (element.shadowRoot !== null && isThere(element.shadowRoot)),
    );
  const frame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));
  while (Number.isNaN(start) || !isThere(document)) await frame();
  await frame();
  return performance.now() - start;
}

/** Dense layers in a row. */
function manyLayers(): Model {
  const builder = new GraphBuilder(emptyModel());
  let value = builder.addInput('x', floatType('N', 2));
  for (let layer = 0; layer < layerCount; layer++) {
    const weight = builder.constant(float32Tensor([1, 0, 0, layer], [2, 2]), `layers.${layer}.weight`);
    value = builder.node('MatMul', [value, weight], { name: `/layers.${layer}/MatMul` });
  }
  builder.addOutput(value);
  return builder.build();
}

function row(name: string, times: readonly number[], barMs: number): BenchRow {
  const value = median(times);
  return { name, value, unit: 'ms', bar: `< ${barMs} ms`, ok: value < barMs };
}
