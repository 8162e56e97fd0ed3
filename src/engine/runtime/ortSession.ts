import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { UserError } from '../../base/errors.js';
import type { TensorValue } from '../../onnx/tensorValue.js';
import { runFailed } from './ortErrors.js';
import { exchangedTypes, fromOrtTensor, type TensorConstructor, toOrtTensor } from './ortTensors.js';
import type { Feeds, Provider, Session } from './session.js';

/** What is used of the runtime's own session, be it in this thread or in another. */
export type NativeSession = Pick<InferenceSession, 'inputNames' | 'inputMetadata' | 'release'> & {
  run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches: readonly string[],
  ): Promise<InferenceSession.ReturnType>;
};

/** What a session needs besides the runtime's own. */
export interface SessionParts {
  readonly native: NativeSession;
  readonly provider: Provider;
  /** Name of the native output by the model's output name. */
  readonly outputs: ReadonlyMap<string, string>;
  readonly OrtTensor: TensorConstructor;
  /** Throws when a file with weights is not as it was: the runtime maps them, and a cut file ends the process. */
  readonly checkFiles: () => void;
}

/** Returns the runtime's session behind our interface. */
export function wrapSession(parts: SessionParts): Session {
  const { native, provider, outputs } = parts;
  const outputNames = [...outputs.keys()];
  return {
    provider,
    inputNames: native.inputNames,
    outputNames,
    run: (feeds, names = outputNames) => runOnce(parts, feeds, names),
    close: () => native.release(),
  };
}

async function runOnce(
  parts: SessionParts,
  feeds: Feeds,
  names: readonly string[],
): Promise<Record<string, TensorValue>> {
  const fetches = names.map((name) => nativeName(parts, name));
  const nativeFeeds = toNativeFeeds(parts, feeds);
  parts.checkFiles();
  let results: InferenceSession.ReturnType;
  try {
    results = await parts.native.run(nativeFeeds, fetches);
  } catch (error) {
    throw runFailed(error, parts.provider);
  }
  const values: Record<string, TensorValue> = {};
  names.forEach((name, i) => {
    const result = results[fetches[i] ?? ''];
    // Only tensors are fetched, see outputCasts.
    if (result !== undefined) values[name] = fromOrtTensor(result);
  });
  return values;
}

function nativeName({ outputs }: SessionParts, name: string): string {
  const native = outputs.get(name);
  if (native === undefined) throw new Error(`The session has no output ${name}.`);
  return native;
}

function toNativeFeeds({ native, provider, OrtTensor }: SessionParts, feeds: Feeds): Record<string, Tensor> {
  const nativeFeeds: Record<string, Tensor> = {};
  for (const metadata of native.inputMetadata) {
    const value = feeds[metadata.name];
    if (value === undefined) throw missingInput(metadata.name, feeds);
    checkType(metadata, value);
    try {
      nativeFeeds[metadata.name] = toOrtTensor(value, OrtTensor);
    } catch (error) {
      // The length of the data and the shape disagree.
      throw runFailed(error, provider);
    }
  }
  return nativeFeeds;
}

function missingInput(name: string, feeds: Feeds): UserError {
  const given = Object.keys(feeds).join(', ');
  return new UserError(
    'run-failed',
    `The model's input ${name} got no data (given: ${given === '' ? 'nothing' : given}). Name the data after the input.`,
    { detail: { input: name } },
  );
}

function checkType(metadata: InferenceSession.ValueMetadata, value: TensorValue): void {
  const wanted = metadata.isTensor ? metadata.type : 'not a tensor';
  if (wanted === value.dtype && exchangedTypes.has(value.dtype)) return;
  throw new UserError(
    'run-failed',
    `The model's input ${metadata.name} must be ${wanted}, and the data is ${value.dtype}. Convert the data.`,
    { detail: { input: metadata.name, wanted, given: value.dtype } },
  );
}
