import { throwIfAborted } from '../../base/abort.js';
import { type ByteReader, fileSource } from '../byteSource.js';
import { dataEmpty } from '../dataErrors.js';
import { isAudioName } from '../dataNames.js';
import { readFileLabels } from '../fileLabels.js';
import { listFiles } from '../listFiles.js';
import {
  type FieldInfo,
  indicesOf,
  type RawSample,
  type SampleSource,
  type Selection,
  type SourceRequest,
} from '../sampleSource.js';
import { type AudioPlan, type NamedWav, planAudio } from './audioPlan.js';
import { type AudioWindow, cutWindows, readWindow, type WindowFile } from './audioWindows.js';
import { openWav } from './wav.js';
import { onlyTarget } from '../inputTargets.js';

/**
 * Opens a WAV file, or a folder of them; names of sub-folders are the labels. Where the model takes a fixed number of
 * frames (or the inspect file says one), a longer file is several samples.
 *
 * Ids are paths relative to the folder, with seconds where a file is several samples: `dog/1.wav 0.500–1.000 s`. Only
 * headers are read here; samples are read as they are asked for.
 *
 * @throws UserError when there are no WAV files, one is damaged or compressed, or they do not fit the model.
 */
export async function audioSource(request: SourceRequest, isFolder: boolean): Promise<SampleSource> {
  const { path, targets, spec } = request;
  const { files: paths, ids, otherCount } = await listFiles(path, { isFolder, isWanted: isAudioName });
  if (paths.length === 0) throw dataEmpty(path, 'no .wav file is in it');
  const target = onlyTarget(targets, 'Sounds');
  const named: NamedWav[] = [];
  for (const [index, file] of paths.entries()) {
    named.push({ id: ids[index] ?? file, wav: await openWav(await fileSource(file)) });
  }
  const plan = planAudio(target, named, spec?.inputs[target.name]);
  const { files, windows, warnings } = cutWindows(named, plan);
  const [first] = windows;
  if (first === undefined) throw dataEmpty(path, 'every file is shorter than a window, or holds no frames');
  const labels = await readFileLabels(request, { ids, isFolder, noun: 'files' });
  const indices = labels.indices;
  const allLabels =
    indices === undefined ? undefined : Int32Array.from(windows, ({ file }) => indices[file] ?? -1);
  return {
    kind: 'audio',
    sampleCount: windows.length,
    fields: new Map([[target.name, fieldOf(plan, first, files)]]),
    hasLabels: allLabels !== undefined,
    ...(labels.names === undefined ? {} : { labelNames: labels.names }),
    ...(allLabels === undefined ? {} : { allLabels }),
    sampleRates: { [target.name]: plan.sampleRate },
    isRandomAccess: true,
    warnings: [...skippedWarning(path, otherCount), ...warnings, ...labels.warnings],
    resolved: { from: new Map(), ...(labels.from === undefined ? {} : { labelsFrom: labels.from }) },
    samples: (selection, signal) =>
      audioSamples({ files, windows, input: target.name, labels: allLabels }, selection, signal),
  };
}

function fieldOf(plan: AudioPlan, first: AudioWindow, files: readonly WindowFile[]): FieldInfo {
  const channelCount = files[first.file]?.channelCount ?? 1;
  const { axes, spec, assumptions } = plan;
  return {
    dims: [channelCount, first.end - first.start],
    isImage: false,
    isPixels: false,
    isConstant: false,
    reading: { storedAxes: 'CT', modelAxes: axes, spec, assumptions },
  };
}

function skippedWarning(path: string, otherCount: number): string[] {
  return otherCount === 0 ? [] : [`${otherCount} files in ${path} are no WAV files and were left out.`];
}

interface AudioList {
  readonly files: readonly WindowFile[];
  readonly windows: readonly AudioWindow[];
  readonly input: string;
  readonly labels: Int32Array | undefined;
}

async function* audioSamples(
  { files, windows, input, labels }: AudioList,
  selection: Selection,
  signal: AbortSignal | undefined,
): AsyncGenerator<RawSample> {
  let open: { readonly file: number; readonly reader: ByteReader } | undefined;
  try {
    for (const index of indicesOf(selection)) {
      throwIfAborted(signal);
      const window = windows[index];
      const file = window === undefined ? undefined : files[window.file];
      if (window === undefined || file === undefined) continue;
      if (open?.file !== window.file) {
        await open?.reader.close();
        open = undefined;
        open = { file: window.file, reader: await file.wav.bytes.open() };
      }
      const data = await readWindow(file, open.reader, window);
      const dims = [file.channelCount, window.end - window.start];
      const values = new Map([[input, { kind: 'array' as const, dtype: 'float64' as const, dims, data }]]);
      const label = labels?.[index];
      yield { index, id: window.id, values, ...(label === undefined ? {} : { label }) };
    }
  } finally {
    await open?.reader.close();
  }
}
