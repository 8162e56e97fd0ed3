import { formatAddress } from '../../../onnx/addresses.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';
import type { Finding } from '../../../protocol/report.js';
import type { Dissection, DissectionFigures } from './figures.js';

/** Returns what a person should know before believing the numbers. */
export function findingsOf(dissection: Dissection, figures: DissectionFigures, quantile: number): Finding[] {
  return [
    ...activationFindings(dissection, quantile),
    ...chanceFindings(dissection, figures),
    ...conceptFindings(dissection, quantile),
  ];
}

/** Detectors that overlap less than this many times as well as chance are named. */
const clearlyAboveChance = 2;

function chanceFindings({ plan, minimumIou }: Dissection, { detectors }: DissectionFigures): Finding[] {
  const weak = detectors.filter(({ iou, chance }) => iou < clearlyAboveChance * chance);
  if (weak.length === 0) return [];
  return [
    {
      severity: 'warning',
      address: formatAddress({ layer: plan.layer }),
      message: `${String(weak.length)} of ${String(detectors.length)} detectors overlap with their concept less than twice as well as masks of the same areas that lie at random: they are above the bar of ${String(minimumIou)} because the areas are large.`,
      advice: 'Raise minimumIou above the column “By chance”, or give masks of where things are.',
    },
  ];
}

function activationFindings({ plan, pass }: Dissection, quantile: number): Finding[] {
  const findings: Finding[] = [];
  const address = formatAddress({ layer: plan.layer });
  if (pass.nanCount > 0) {
    findings.push({
      severity: 'error',
      address,
      message: `${pass.nanCount.toLocaleString('en')} activations are NaN; they are above no threshold.`,
      advice: 'Find where they come from with dead-neurons, which names the layers.',
    });
  }
  const elementCount = pass.sampleCount * elementCountOf(plan.dims);
  if (Math.floor(quantile * elementCount) === 0) {
    findings.push({
      severity: 'warning',
      address,
      message: `A unit has ${String(elementCount)} activations here, and ${String(100 * quantile)} % of that is less than one: no unit is ever above its threshold.`,
      advice: `Give more samples, or a quantile of at least ${(1 / elementCount).toPrecision(2)}.`,
    });
    return findings;
  }
  const silent = pass.thresholds.filter(
    (threshold, unit) => !((pass.maxima[unit] ?? NaN) > threshold),
  ).length;
  if (silent > 0) {
    findings.push({
      severity: 'info',
      address,
      message: `${String(silent)} units are nowhere above their threshold: their largest activations are all equal.`,
      advice: 'dead-neurons tells whether they are dead or saturated.',
    });
  }
  return findings;
}

function conceptFindings(
  { plan, concepts, overlaps, minimumIou, sampleCount }: Dissection,
  quantile: number,
): Finding[] {
  const findings: Finding[] = [];
  const all = String(concepts.names.length);
  const positions = sampleCount * elementCountOf(concepts.dims ?? plan.dims);
  const large = overlaps.conceptAreas.filter((area) => area * minimumIou > quantile * positions).length;
  if (large > 0) {
    findings.push({
      severity: 'warning',
      message: `${String(large)} of ${all} concepts cover more than ${(100 * (quantile / minimumIou)).toPrecision(3)} % of all positions: a unit that is above its threshold on ${String(100 * quantile)} % of them cannot reach an IoU of ${String(minimumIou)} with these.`,
      advice:
        'Raise quantile to about the share of the positions that the concepts cover, or mark them more tightly.',
    });
  }
  const absent = overlaps.conceptAreas.filter((area) => area === 0).length;
  if (absent > 0) {
    findings.push({
      severity: 'info',
      message: `${String(absent)} of ${all} concepts are on none of the samples.`,
      advice: 'Give samples that show them, or leave them out.',
    });
  }
  return findings;
}
