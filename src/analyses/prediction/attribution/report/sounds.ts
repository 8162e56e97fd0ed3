import { maxAbs, sumOf } from '../../../../engine/numeric/vectors.js';
import { encodeWav } from '../../../../base/wav.js';
import type { AudioBlock } from '../../../../protocol/blocks.js';
import { toReportNumber } from '../../../../protocol/reportNumbers.js';
import { rowOf } from '../points.js';
import type { ExplainedTensor, Scores } from '../problem.js';
import { channelsOf, inPieces } from './positions.js';
import { spectrumOf } from './spectrum.js';

/** Sounds in one report: their bytes stand in it. */
const maxSoundCount = 8;

/** Bytes of all sounds of a report. */
const maxSoundBytes = 3_000_000;

/** Pieces that a wave is drawn in, and that have a value each. */
const wavePieces = 600;
const valuePieces = 200;

/**
 * Returns the first rows as sounds: as the model is fed, with the scores summed over pieces of equal length. Undefined where
 * a row has more than one axis of positions, or none of them is short enough to stand in a report.
 */
export function soundBlock(
  scores: Scores,
  input: ExplainedTensor,
  { captions, sampleRate }: { readonly captions: readonly string[]; readonly sampleRate: number },
): AudioBlock | undefined {
  const positions = input.dims.filter((_, axis) => axis + 1 !== input.channelAxis);
  if (positions.length !== 1 && input.dims.length !== 1) return undefined;
  const size = input.elements.length / Math.max(1, captions.length);
  const frameCount = input.dims.length === 1 ? size : (positions[0] ?? 0);
  const count = Math.min(maxSoundCount, captions.length, Math.floor(maxSoundBytes / (2 * frameCount + 44)));
  if (count === 0) return undefined;
  const items = captions.slice(0, count).map((caption, row) => ({
    caption,
    ...soundOf(mixed(channelsOf(rowOf(input, row), input)), sampleRate),
    values: Array.from(
      inPieces(
        summed(channelsOf(scores.data.subarray(row * size, (row + 1) * size), input)),
        valuePieces,
        sumOf,
      ),
      (value) => toReportNumber(Number(value.toPrecision(4))),
    ),
  }));
  return {
    type: 'audio',
    title: `Scores of ${scores.name}`,
    alt: `Waves of ${String(count)} of ${String(captions.length)} sounds on the colours of their scores: positive ones raise the explained value, negative ones lower it.`,
    items,
    scale: 'diverging',
    limit: toReportNumber(Math.max(...items.map(({ values }) => maxAbs(values.map(Number))))),
  };
}

function soundOf(
  frames: Float64Array,
  sampleRate: number,
): Omit<AudioBlock['items'][number], 'caption' | 'values'> {
  // Preprocessing may have left any range: a player wants −1 … 1.
  const loudest = maxAbs(frames);
  const amplitudes = loudest > 1 ? frames.map((frame) => frame / loudest) : frames;
  const { spectrum, frequencyCount } = spectrumOf(amplitudes);
  const rounded = (values: Float64Array): number[] => Array.from(values, (value) => Number(value.toFixed(4)));
  return {
    source: `data:audio/wav;base64,${Buffer.from(encodeWav(amplitudes, sampleRate)).toString('base64')}`,
    sampleRate,
    durationSeconds: frames.length / sampleRate,
    lows: rounded(inPieces(amplitudes, wavePieces, (piece) => piece.reduce((a, b) => Math.min(a, b), 1))),
    highs: rounded(inPieces(amplitudes, wavePieces, (piece) => piece.reduce((a, b) => Math.max(a, b), -1))),
    ...{ spectrum, frequencyCount },
  };
}

function summed(channels: readonly Float64Array[]): Float64Array {
  const [first = new Float64Array(), ...others] = channels;
  return first.map((value, at) => others.reduce((sum, channel) => sum + (channel[at] ?? 0), value));
}

function mixed(channels: readonly Float64Array[]): Float64Array {
  return summed(channels).map((value) => value / Math.max(1, channels.length));
}
