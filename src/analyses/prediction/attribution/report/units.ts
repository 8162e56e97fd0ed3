import { formatAddress } from '../../../../onnx/addressGrammar.js';
import { elementCountOf } from '../../../../onnx/tensorValue.js';
import type { TableBlock } from '../../../../protocol/blocks.js';
import type { Parts } from '../../../../protocol/parts.js';
import { toReportNumber } from '../../../../protocol/reportNumbers.js';
import type { ExplainedTensor, Scores } from '../problem.js';

/** Neurons listed; more are in the array. */
const listedCount = 50;

/**
 * Returns a layer's neurons by the size of their share, summed over their positions: of one row with its part of the whole,
 * of several as means. Undefined where the scores are not the layer's own, unit by unit.
 */
export function unitTable(scores: Scores, layer: ExplainedTensor, parts?: Parts): TableBlock | undefined {
  const { channelAxis } = layer;
  if (channelAxis === undefined || scores.dims.slice(1).join() !== layer.dims.join()) return undefined;
  const rowCount = scores.dims[0] ?? 0;
  const units = unitShares(scores, channelAxis);
  const total = units.reduce((sum, { mean }) => sum + Math.abs(mean), 0);
  const ranked = units.sort((a, b) => b.meanAbsolute - a.meanAbsolute || a.unit - b.unit);
  const isOne = rowCount === 1;
  return {
    type: 'table',
    title: `Neurons of ${layer.name} by their share`,
    columns: [
      { key: 'neuron', label: 'Neuron', kind: 'address' },
      { key: 'mean', label: isOne ? 'Share' : 'Mean share', kind: 'number' },
      ...(isOne ? [] : [{ key: 'meanAbsolute', label: 'Mean |share|', kind: 'number' as const }]),
      {
        key: 'part',
        label: 'Part',
        kind: 'bar',
        description: 'The size of the share, of the sizes of all shares of the layer together.',
      },
    ],
    rows: ranked.slice(0, listedCount).map(({ unit, mean, meanAbsolute }) => ({
      neuron: formatAddress({ layer: layer.name, unit }),
      mean: toReportNumber(mean),
      ...(isOne ? {} : { meanAbsolute: toReportNumber(meanAbsolute) }),
      part: total > 0 ? toReportNumber(Math.abs(mean) / total) : 0,
    })),
    ...(parts === undefined ? {} : { parts }),
    ...(ranked.length > listedCount ? { omittedRowCount: ranked.length - listedCount } : {}),
  };
}

interface UnitShare {
  readonly unit: number;
  readonly mean: number;
  readonly meanAbsolute: number;
}

function unitShares({ dims, data }: Scores, channelAxis: number): UnitShare[] {
  const [rowCount = 0] = dims;
  const unitCount = dims[channelAxis] ?? 0;
  const inner = elementCountOf(dims.slice(channelAxis + 1));
  const size = elementCountOf(dims.slice(1));
  const sums = new Float64Array(rowCount * unitCount);
  for (let flat = 0; flat < data.length; flat++) {
    const unit = Math.floor(flat / inner) % unitCount;
    const at = Math.floor(flat / size) * unitCount + unit;
    sums[at] = (sums[at] ?? 0) + (data[flat] ?? 0);
  }
  return Array.from({ length: unitCount }, (_, unit) => {
    let mean = 0;
    let meanAbsolute = 0;
    for (let row = 0; row < rowCount; row++) {
      const share = sums[row * unitCount + unit] ?? 0;
      mean += share / rowCount;
      meanAbsolute += Math.abs(share) / rowCount;
    }
    return { unit, mean, meanAbsolute };
  });
}
