import { formatAddress } from '../../../onnx/addresses.js';
import type { Block } from '../../../protocol/blocks.js';
import type { ShownUnit } from './examples.js';
import type { Dissection, DissectionFigures } from './figures.js';
import { conceptChart, unitTable } from './tables.js';

/** Detectors whose examples are shown. */
const shownUnitCount = 6;

/** Returns the answer in a sentence. */
export function summaryOf(
  { plan, concepts, minimumIou }: Dissection,
  { detectors, detectorCounts, units }: DissectionFigures,
  samples: string,
): string {
  const layer = formatAddress({ layer: plan.layer });
  const [best] = units;
  const bar = `IoU above ${String(minimumIou)}`;
  if (best === undefined) return `${layer} has no units.`;
  const { iou, unit, concept } = best;
  const leader = `${formatAddress({ layer: plan.layer, unit })} for ${concepts.names[concept] ?? '?'} (IoU ${iou.toFixed(3)})`;
  if (detectors.length === 0) {
    return `None of the ${String(plan.unitCount)} units of ${layer} detects one of ${String(concepts.names.length)} concepts (${bar}) on ${samples}${iou > 0 ? `; nearest is ${leader}` : ''}.`;
  }
  const unique = detectorCounts.reduce((count, each) => count + (each > 0 ? 1 : 0), 0);
  const verb = detectors.length === 1 ? 'detects' : 'detect';
  return `${String(detectors.length)} of ${String(plan.unitCount)} units of ${layer} ${verb} a concept (${bar}), ${String(unique)} of ${String(concepts.names.length)} concepts in all, on ${samples}; the best is ${leader}.`;
}

/** Returns the units whose examples are worth showing: the best detector of each concept first, then the next best units. */
export function shownUnits(dissection: Dissection, { units, detectors }: DissectionFigures): ShownUnit[] {
  const { plan, concepts } = dissection;
  const ranked = detectors.length > 0 ? detectors : units.filter(({ iou }) => iou > 0);
  const seen = new Set<number>();
  const firsts = ranked.filter(({ concept }) => !seen.has(concept) && seen.add(concept));
  const others = ranked.filter((each) => !firsts.includes(each));
  return [...firsts, ...others].slice(0, shownUnitCount).map(({ unit, concept }) => ({
    unit,
    caption: `${formatAddress({ layer: plan.layer, unit })} · ${concepts.names[concept] ?? '?'}`,
  }));
}

/** Returns the body of the report; `examples` stand between chart and table. */
export function blocksOf(
  dissection: Dissection,
  figures: DissectionFigures,
  { examples, quantile }: { readonly examples: readonly Block[]; readonly quantile: number },
): Block[] {
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'detectorCount', label: 'Detectors', format: 'count' },
        { metric: 'uniqueDetectorCount', label: 'Concepts detected', format: 'count' },
        { metric: 'unitCount', label: 'Units', format: 'count' },
        { metric: 'conceptCount', label: 'Concepts', format: 'count' },
        { metric: 'bestIou', label: 'Best IoU' },
        { metric: 'meanBestIou', label: 'Mean best IoU' },
        { metric: 'sampleCount', label: 'Samples', format: 'count' },
      ],
    },
    { type: 'findings', title: 'Findings' },
    conceptChart(dissection, figures),
    ...examples,
    unitTable(dissection, figures),
    { type: 'markdown', title: 'How to read this', folded: true, text: readingOf(dissection, quantile) },
    { type: 'citation', papers: ['bau2017', 'qin2018'] },
  ];
}

function readingOf({ concepts, minimumIou }: Dissection, quantile: number): string {
  const what = concepts.areLabels
    ? 'The classes of the data stand for concepts, each marked on every position of its samples: masks of where things are (setting `concepts`) say much more.'
    : 'Masks are those of the file.';
  return `A unit's threshold is passed by ${String(100 * quantile)} % of its activations over all positions and samples; its map is enlarged bilinearly to the size of the masks. IoU is the number of positions where the unit is above its threshold and the concept is marked, over those where either is, summed over all samples; above ${String(minimumIou)} a unit counts as a detector. A low IoU may also mean that the concepts of the data are not those of the model. ${what}`;
}
