import type { ByteReader } from '../byteSource.js';
import type { AudioPlan, NamedWav } from './audioPlan.js';
import { resampler, type Range, type Resampler } from './resample.js';
import { readFrames, type WavFile } from './wav.js';

/** A part of a file that is one sample; frames at the plan's rate. */
export interface AudioWindow extends Range {
  readonly id: string;
  /** Which file. */
  readonly file: number;
}

/** A file, and how its frames become what is fed. */
export interface WindowFile {
  readonly wav: WavFile;
  readonly resampler: Resampler | undefined;
  readonly channels: AudioPlan['channels'];
  /** Channels of a sample. */
  readonly channelCount: number;
}

/** What files were cut into. */
export interface CutFiles {
  readonly files: readonly WindowFile[];
  readonly windows: readonly AudioWindow[];
  /** What was padded, left out and resampled. */
  readonly warnings: readonly string[];
}

/** Cuts files into windows; the rest of a file that fills none is padded with silence or left out, as planned. */
export function cutWindows(named: readonly NamedWav[], plan: AudioPlan): CutFiles {
  const resamplers = new Map<number, Resampler>();
  const windows: AudioWindow[] = [];
  let paddedCount = 0;
  let leftOutCount = 0;
  let resampledCount = 0;
  const files = named.map(({ id, wav }, file): WindowFile => {
    const isResampled = wav.sampleRate !== plan.sampleRate;
    const change = isResampled ? resamplerFor(resamplers, wav.sampleRate, plan.sampleRate) : undefined;
    if (isResampled) resampledCount++;
    const frameCount = change?.lengthOf(wav.frameCount) ?? wav.frameCount;
    const ranges = rangesOf(frameCount, plan);
    if (ranges.length === 0) leftOutCount++;
    for (const range of ranges) {
      if (range.end > frameCount) paddedCount++;
      const name = ranges.length === 1 ? id : `${id} ${secondsText(range, plan.sampleRate)}`;
      windows.push({ ...range, id: name, file });
    }
    return { wav, resampler: change, channels: plan.channels, channelCount: channelCountOf(wav, plan) };
  });
  const rates = [...resamplers.keys()].map((rate) => rate.toLocaleString('en-US')).join(', ');
  const of = (count: number, all: number, what: string): string =>
    `${count.toLocaleString('en-US')} of ${all.toLocaleString('en-US')} ${what}`;
  const warnings = [
    resampledCount === 0
      ? undefined
      : `${of(resampledCount, files.length, 'files')} were resampled from ${rates} to ${plan.sampleRate.toLocaleString('en-US')} frames a second, by a windowed sinc.`,
    paddedCount === 0
      ? undefined
      : `${of(paddedCount, windows.length, 'samples')} end in silence (zeros) because the file ends before the window. Write "rest": "drop" into "audio" to leave them out.`,
    leftOutCount === 0
      ? undefined
      : `${of(leftOutCount, files.length, 'files')} are shorter than a window, or empty, and were left out.`,
  ];
  return { files, windows, warnings: warnings.filter((warning) => warning !== undefined) };
}

function resamplerFor(known: Map<number, Resampler>, from: number, to: number): Resampler {
  const change = known.get(from) ?? resampler(from, to);
  known.set(from, change);
  return change;
}

function rangesOf(frameCount: number, { length, hop = 1, rest }: AudioPlan): Range[] {
  if (frameCount === 0) return [];
  if (length === undefined) return [{ start: 0, end: frameCount }];
  const ranges: Range[] = [];
  // Until a window has reached the end.
  for (let start = 0; start < frameCount; start += hop) {
    const end = start + length;
    if (end > frameCount && rest === 'drop') break;
    ranges.push({ start, end });
    if (end >= frameCount) break;
  }
  return ranges;
}

function secondsText({ start, end }: Range, sampleRate: number): string {
  return `${(start / sampleRate).toFixed(3)}–${(end / sampleRate).toFixed(3)} s`;
}

function channelCountOf(wav: WavFile, { channels, channelCount }: AudioPlan): number {
  return channelCount ?? (channels === 'all' ? wav.channelCount : 1);
}

/** Reads one window as `[C, T]`. */
export async function readWindow(
  { wav, resampler: change, channels, channelCount }: WindowFile,
  reader: ByteReader,
  window: Range,
): Promise<Float64Array> {
  const range = change?.sourceOf(window) ?? window;
  const stored = await readFrames(wav, reader, range);
  const frameCount = range.end - range.start;
  const one = (channel: number): Float64Array =>
    stored.subarray(channel * frameCount, (channel + 1) * frameCount);
  const length = window.end - window.start;
  const result = new Float64Array(channelCount * length);
  for (let channel = 0; channel < channelCount; channel++) {
    const source =
      channels === 'mix' ? meanOf(wav.channelCount, one) : one(sourceChannel(wav, channels, channel));
    result.set(change?.resample(source, window) ?? source, channel * length);
  }
  return result;
}

/** A file of one channel fills all that the model takes. */
function sourceChannel(wav: WavFile, channels: AudioPlan['channels'], channel: number): number {
  return channels === 'first' || wav.channelCount === 1 ? 0 : channel;
}

function meanOf(count: number, one: (channel: number) => Float64Array): Float64Array {
  const mean = one(0).slice();
  for (let channel = 1; channel < count; channel++) {
    for (const [at, value] of one(channel).entries()) mean[at] = (mean[at] ?? 0) + value;
  }
  return count === 1 ? mean : mean.map((sum) => sum / count);
}
