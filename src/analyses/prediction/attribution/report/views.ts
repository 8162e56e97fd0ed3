import { elementCountOf } from '../../../../onnx/tensorValue.js';
import type { Block, ChartBlock } from '../../../../protocol/blocks.js';
import type { Parts } from '../../../../protocol/parts.js';
import type { ExplainedTensor, Scores } from '../problem.js';
import type { Explanation } from './draft.js';
import { inputParts, neuronParts } from './followUps.js';
import { listedParts } from './partRows.js';
import { overlayOf } from './maps.js';
import { beeswarmOf } from './rows/beeswarm.js';
import type { Tabular } from './rows/tabular.js';
import { waterfallsOf } from './rows/waterfall.js';
import { seriesCharts } from './seriesChart.js';
import { soundBlock } from './sounds.js';
import { featureChart, tokenBlocks, topElementsTable } from './tables.js';
import { unitTable } from './units.js';

/**
 * Returns the view of one tensor's scores that its kind of data is read in: a layer by its neurons, text as coloured
 * tokens, sounds as waves, pictures as heat maps, series as lines, tables as waterfalls of rows.
 */
export function viewsOf(
  explanation: Explanation,
  {
    scores,
    index,
    captions,
  }: { readonly scores: Scores; readonly index: number; readonly captions: readonly string[] },
): Block[] {
  const { problem, outcome, facts } = explanation;
  const layer = outcome.isOverInputs === true ? undefined : problem.layer;
  if (layer !== undefined) return layerViews(explanation, { scores, layer, captions });
  const ids = facts.tokenIds.get(scores.name);
  const input = problem.inputs[index];
  const partsOf = (noun: string): Parts | undefined =>
    input === undefined ? undefined : inputParts(explanation, input, noun);
  if (ids !== undefined && scores.dims.length === 3 && ids.dims.length === 2) {
    const textOf = facts.tokens?.input === scores.name ? facts.tokens.textOf : undefined;
    const parts = partsOf('token');
    return tokenBlocks(scores, { ids, rowIds: captions, textOf, parts });
  }
  const overlay = overlayOf(scores, input?.channelAxis, {
    ...{ base: input, captions },
    title: `Scores of ${scores.name}`,
  });
  const columns = problem.columnNames[scores.name];
  const bars = featureChart(scores, captions, columns);
  if (overlay !== undefined) {
    const noun = overlay.items.some(({ base }) => base !== undefined) ? 'pixel' : 'position';
    return [withParts(overlay, partsOf(noun)), { ...bars, folded: true }];
  }
  if (input === undefined) return [bars];
  const sampleRate = facts.sampleRates?.[scores.name];
  const sound = sampleRate === undefined ? undefined : soundBlock(scores, input, { captions, sampleRate });
  if (sound !== undefined) return [withParts(sound, partsOf('piece'))];
  if (isSeries(input, facts.layouts?.[scores.name])) {
    return [...seriesCharts(scores, input, { captions, parts: partsOf('step') }), { ...bars, folded: true }];
  }
  if (scores.dims.length !== 2) return [bars, topElementsTable(scores, captions, columns)];
  return tableViews(explanation, { scores, input, captions, columns, parts: partsOf('feature') }, bars);
}

function tableViews(explanation: Explanation, tabular: Tabular, bars: ChartBlock): Block[] {
  const { scores, captions, columns, parts } = tabular;
  const falls = waterfallsOf(explanation, tabular);
  const swarm = beeswarmOf(tabular);
  const chart = { ...bars, ...listedParts(parts), folded: falls.length > 0 };
  return [
    ...falls,
    ...(swarm === undefined ? [] : [swarm]),
    chart,
    topElementsTable(scores, captions, columns),
  ];
}

function withParts<B extends Block>(block: B, parts: Parts | undefined): B {
  return parts === undefined ? block : { ...block, parts };
}

function layerViews(
  { problem, outcome }: Explanation,
  {
    scores,
    layer,
    captions,
  }: { readonly scores: Scores; readonly layer: ExplainedTensor; readonly captions: readonly string[] },
): Block[] {
  const overlay = overlayOf(outcome.upsampled ?? scores, 1, {
    base: outcome.upsampled === undefined ? undefined : problem.inputs[0],
    captions,
    title: `Scores of ${layer.name}`,
  });
  const units = unitTable(scores, layer, neuronParts(problem, 'neuron'));
  if (overlay === undefined) {
    return units === undefined
      ? [featureChart(scores, captions), topElementsTable(scores, captions)]
      : [units];
  }
  return [overlay, units ?? { ...featureChart(scores, captions), folded: true }];
}

/** One axis of positions, told by the inspect file, or channels over positions that are no pixels. */
function isSeries({ dims, channelAxis }: ExplainedTensor, layout: string | undefined): boolean {
  const positions = dims.filter((_, axis) => axis + 1 !== channelAxis);
  return (
    positions.length === 1 &&
    elementCountOf(positions) > 1 &&
    (dims.length === 2 || layout?.includes('T') === true)
  );
}
