import type { Dimension } from '../../onnx/model.js';
import type { AudioSpec, InputSpec } from '../../protocol/inspectFile.js';
import { layoutMismatch, shapeMismatch } from '../dataErrors.js';
import { formatShape, type InputTarget } from '../inputTargets.js';
import type { WavFile } from './wav.js';

/** What the frames of a file become before they are fed. */
export interface AudioPlan {
  /** Axes of one sample as the model takes it: `T`, `CT` or `TC`. */
  readonly axes: string;
  readonly sampleRate: number;
  readonly channels: NonNullable<AudioSpec['channels']>;
  /** Channels that are fed; undefined: as many as a file has. */
  readonly channelCount: number | undefined;
  /** Frames of one window at `sampleRate`; undefined: a file is one sample. */
  readonly length: number | undefined;
  readonly hop: number | undefined;
  readonly rest: NonNullable<AudioSpec['rest']>;
  /** What an inspect file would say of it. */
  readonly spec: Pick<InputSpec, 'layout' | 'audio'>;
  /** Phrases that follow "assumed". */
  readonly assumptions: readonly string[];
}

/** A sound file and how messages call it. */
export interface NamedWav {
  readonly id: string;
  readonly wav: WavFile;
}

/**
 * Decides what sound files become for an input, by the inspect file or by assumptions, each of which is listed.
 *
 * @throws UserError when a file's rate or channels do not fit and nothing says what to do, naming the file.
 */
export function planAudio(
  target: InputTarget,
  files: readonly NamedWav[],
  spec: InputSpec | undefined,
): AudioPlan {
  const written = spec?.audio ?? {};
  const axes = axesOf(target, spec);
  const assumptions: string[] = spec === undefined ? [`layout N${axes}`] : [];
  const sampleRate = rateOf(target, files, { written, assumptions });
  const channelCount = sizeOf(axes, 'C', target.sampleShape) ?? (axes.includes('C') ? undefined : 1);
  const channels = channelsOf(target, files, { written, channelCount, assumptions });
  const length = lengthOf(target, axes, written);
  const { hop = length, rest = 'pad' } = written;
  const isCut =
    length !== undefined && files.some(({ wav }) => wav.frameCount * (sampleRate / wav.sampleRate) > length);
  if (isCut && written.hop === undefined) {
    assumptions.push(`windows of ${length.toLocaleString('en-US')} frames, one after the other`);
  }
  const audio: AudioSpec = {
    ...written,
    sampleRate,
    channels,
    ...(length === undefined || hop === undefined ? {} : { length, hop, rest }),
  };
  return {
    axes,
    sampleRate,
    channels,
    channelCount,
    length,
    hop,
    rest,
    spec: { layout: spec?.layout ?? `N${axes}`, audio },
    assumptions,
  };
}

/** What is written, and where what is assumed goes. */
interface Choice {
  readonly written: AudioSpec;
  readonly assumptions: string[];
}

function axesOf(target: InputTarget, spec: InputSpec | undefined): string {
  const { name, sampleShape, shape } = target;
  const axes = spec?.layout.replace('N', '') ?? guessAxes(sampleShape);
  if (axes !== undefined && /^(T|CT|TC)$/.test(axes)) return axes;
  throw layoutMismatch(
    `Input "${name}" takes ${formatShape(shape ?? [])}${spec === undefined ? '' : `, layout ${spec.layout}`}, and sounds feed [N, T], [N, C, T] or [N, T, C]. Feed what is computed from sounds (spectrograms) as an .npz, or correct "layout" in the .inspect.json.`,
    { input: name, shape },
  );
}

/** Channels are where the size is 1 or 2. */
function guessAxes(sampleShape: readonly Dimension[] | null): string | undefined {
  if (sampleShape === null) return 'T';
  const isChannels = (dim: Dimension | undefined): boolean => dim === 1 || dim === 2;
  if (sampleShape.length === 1) return 'T';
  if (sampleShape.length !== 2) return undefined;
  return !isChannels(sampleShape[0]) && isChannels(sampleShape[1]) ? 'TC' : 'CT';
}

function sizeOf(axes: string, axis: string, sampleShape: readonly Dimension[] | null): number | undefined {
  const dim = sampleShape?.[axes.indexOf(axis)];
  return typeof dim === 'number' ? dim : undefined;
}

function rateOf({ name }: InputTarget, files: readonly NamedWav[], { written, assumptions }: Choice): number {
  const [first] = files;
  const rate = written.sampleRate ?? first?.wav.sampleRate ?? 0;
  const other = files.find(({ wav }) => wav.sampleRate !== rate);
  if (written.sampleRate === undefined) assumptions.push(`${rateText(rate)}, as the files have`);
  if (other === undefined || written.resample === true) return rate;
  const wanted =
    written.sampleRate === undefined
      ? `${first?.id ?? ''} has ${rateText(rate)}: write the rate that the model was trained on as`
      : `the .inspect.json says ${rateText(rate)}: to have it resampled, write`;
  throw shapeMismatch(
    `Input "${name}": ${other.id} has ${rateText(other.wav.sampleRate)}, and ${wanted} "audio": {"sampleRate": ${rate}, "resample": true} for this input.`,
    { input: name, file: other.id, sampleRate: other.wav.sampleRate, wanted: rate },
  );
}

function rateText(rate: number): string {
  return `${rate.toLocaleString('en-US')} frames a second`;
}

function channelsOf(
  { name }: InputTarget,
  files: readonly NamedWav[],
  { written, channelCount, assumptions }: Choice & { readonly channelCount: number | undefined },
): NonNullable<AudioSpec['channels']> {
  const channels = written.channels ?? (channelCount === 1 ? 'mix' : 'all');
  const wide = files.find(({ wav }) => wav.channelCount !== (channelCount ?? wav.channelCount));
  if (wide === undefined) return channels;
  const has = wide.wav.channelCount;
  if (channels === 'all' && has !== 1) {
    throw shapeMismatch(
      `Input "${name}" takes ${String(channelCount)} channel(s), and ${wide.id} has ${has}. Write "channels": "mix" or "first" into "audio" of this input, or give files of as many channels.`,
      { input: name, file: wide.id, channelCount: has },
    );
  }
  if (written.channels === undefined) {
    assumptions.push(has === 1 ? 'the one channel of a file for every channel' : 'the mean of the channels');
  }
  return channels;
}

function lengthOf(target: InputTarget, axes: string, { length }: AudioSpec): number | undefined {
  const fixed = sizeOf(axes, 'T', target.sampleShape);
  if (fixed !== undefined && length !== undefined && fixed !== length) {
    throw shapeMismatch(
      `Input "${target.name}" takes ${fixed} frames, and the .inspect.json says "length": ${length}. Correct it, or leave it out.`,
      { input: target.name, length },
    );
  }
  return fixed ?? length;
}
