import { performance } from 'node:perf_hooks';
import type { Locator, Page } from 'playwright-core';
import { drawnGraph } from '../src/onnx/drawnGraph.js';
import { GraphBuilder } from '../src/engine/graph/graphBuilder.js';
import type { Model } from '../src/onnx/model.js';
import { openedModel } from '../src/onnx/openedModel.js';
import { float32Tensor } from '../src/onnx/tensorValue.js';
import type { ModelProtocol } from '../src/protocol/views/modelMessages.js';
import { chromiumPath, closeChromium } from '../test/support/chromium.js';
import { deepModel } from '../test/support/deepModel.js';
import { emptyModel, floatType } from '../test/support/modelBuilder.js';
import { modelContent, noFacts } from '../test/support/modelPage.js';
import { openView, type WebviewPage } from '../test/support/webviewPage.js';
import type { BenchRow } from './benchRow.js';
import { median } from './median.js';

// The page of a model of 10,000 nodes, or of 10,000 layers, in Chromium, from a click or a message to what is drawn, as
// seen from outside of the page. The host answers at once: reading the file is `inspect.bench.ts`.

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
  const page = await openPage(deepModel(blockCount));
  const first: number[] = [];
  const expanded: number[] = [];
  const within: number[] = [];
  for (let round = 0; round < repeats; round++) {
    const view = await page();
    const tab = view.page.getByRole('tab', { name: /^Graph/ });
    const items = view.page.getByRole('treeitem');
    first.push(await timed(() => tab.click(), items.first()));
    await view.page.getByRole('treeitem', { name: /^layers,/ }).click();
    expanded.push(await opened(view.page, /^0,/));
    await view.page.keyboard.press('Shift+ArrowDown');
    await view.page.getByRole('treeitem', { name: /^0,/, selected: true }).waitFor();
    within.push(await opened(view.page, /^attn,/));
    await view.page.close();
  }
  return [
    row(`graph of ${(blockCount * 51).toLocaleString('en-US')} nodes: first paint`, first, paintMs),
    row(`  opening a module of ${blockCount} modules`, expanded, paintMs),
    row('  opening one of them', within, paintMs),
  ];
}

/** Opens the chosen module by the keyboard and waits for what it holds. */
async function opened(page: Page, inside: RegExp): Promise<number> {
  return timed(() => page.keyboard.press('Enter'), page.getByRole('treeitem', { name: inside }).first());
}

async function measureList(): Promise<BenchRow[]> {
  const page = await openPage(manyLayers());
  const first: number[] = [];
  const scrolled: number[] = [];
  for (let round = 0; round < repeats; round++) {
    const view = await page({ isShown: false });
    const rows = view.page.getByRole('row');
    const { content } = view;
    first.push(await timed(() => view.show(content), rows.nth(1)));
    await rows.nth(1).click();
    const last = view.page.getByRole('row', { name: new RegExp(`\\b${layerCount - 1}\\b`) });
    scrolled.push(await timed(() => view.page.keyboard.press('End'), last));
    await view.page.close();
  }
  return [
    row(`list of ${layerCount.toLocaleString('en-US')} layers: first paint`, first, listMs),
    row('  scrolling from the first to the last', scrolled, listMs),
  ];
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

type ModelPage = WebviewPage<ModelProtocol> & { readonly content: ModelProtocol['show'] };

/** Prepares what the host says of a model, once; each call opens a page that asks for it. */
function openPage(model: Model): Promise<(how?: { readonly isShown: boolean }) => Promise<ModelPage>> {
  const opened = openedModel(model);
  const content = modelContent(opened);
  const graph = drawnGraph(opened);
  return Promise.resolve(async ({ isShown } = { isShown: true }) => {
    const view = await openView<ModelProtocol>('model', {
      shows: isShown ? [content, noFacts] : [],
      answers: { graph: () => graph },
    });
    if (isShown) await view.page.getByRole('row').nth(1).waitFor();
    return Object.assign(view, { content });
  });
}

async function timed(act: () => Promise<unknown>, sign: Locator): Promise<number> {
  const start = performance.now();
  await act();
  await sign.waitFor();
  return performance.now() - start;
}

function row(name: string, times: readonly number[], barMs: number): BenchRow {
  const value = median(times);
  return { name, value, unit: 'ms', bar: `< ${barMs} ms`, ok: value < barMs };
}
