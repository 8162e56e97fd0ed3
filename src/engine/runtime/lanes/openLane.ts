import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { NativeSession } from '../ortSession.js';
import type { TensorConstructor } from '../ortTensors.js';

/** What the runtime opens a session from. */
export interface LaneOrder {
  readonly model: Uint8Array;
  readonly options: InferenceSession.SessionOptions;
  readonly OrtTensor: TensorConstructor;
}

type PlainTensors = Readonly<Record<string, Pick<Tensor, 'type' | 'data' | 'dims'>>>;

/** Lane → here: once when it is open, then in answer to each run. */
type Answer =
  | { readonly kind: 'done'; readonly inputMetadata: InferenceSession['inputMetadata'] }
  | { readonly kind: 'done'; readonly results: PlainTensors }
  | { readonly kind: 'failed'; readonly message: string };

/**
 * Opens a session of the runtime in a thread of its own (`lane.mjs`); here, only messages are waited for. One run at a time.
 *
 * @throws Error with the runtime's own words, or when the thread cannot be started.
 */
export async function openLane({ model, options, OrtTensor }: LaneOrder): Promise<NativeSession> {
  const worker = new Worker(laneScript(), { workerData: { model, options } });
  let ended: Error | undefined;
  let settle: ((answer: Answer | Error) => void) | undefined;
  const nextAnswer = (): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const settleOnce = (answer: Answer | Error): void => {
        settle = undefined;
        worker.unref();
        if (answer instanceof Error) reject(answer);
        else if (answer.kind === 'failed') reject(new Error(answer.message));
        else resolve(answer);
      };
      // A lane that nobody waits for keeps no process alive.
      worker.ref();
      settle = settleOnce;
      if (ended !== undefined) settleOnce(ended);
    });
  const end = (error: Error): void => {
    ended ??= error;
    settle?.(ended);
  };
  worker.on('message', (answer: Answer) => settle?.(answer));
  worker.on('error', end);
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', (code) => {
      end(new Error(`A thread of the engine ended with code ${String(code)}.`));
      resolve();
    });
  });
  const release = async (): Promise<void> => {
    if (ended !== undefined) return;
    worker.ref();
    worker.postMessage({ kind: 'release' });
    await exited;
  };
  const opened = await nextAnswer();
  if (!('inputMetadata' in opened)) throw new Error('A lane answered before it was open.');
  return {
    inputNames: opened.inputMetadata.map(({ name }) => name),
    inputMetadata: opened.inputMetadata,
    async run(feeds, fetches) {
      const answer = nextAnswer();
      worker.postMessage({ kind: 'run', feeds: plainTensors(feeds), fetches });
      const done = await answer;
      if (!('results' in done)) throw new Error('A lane answered without results.');
      return tensorsOf(done.results, OrtTensor);
    },
    release,
  };
}

function plainTensors(tensors: Readonly<Record<string, Tensor>>): PlainTensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { type, data, dims }]) => [name, { type, data, dims }]),
  );
}

function tensorsOf(tensors: PlainTensors, OrtTensor: TensorConstructor): InferenceSession.ReturnType {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { type, data, dims }]) => [name, new OrtTensor(type, data, dims)]),
  );
}

/** The script stands beside the bundle, or beside this module. */
function laneScript(): string {
  const paths = ['lane.js', '../lane.js', 'lane.mjs'].map((name) =>
    fileURLToPath(new URL(name, import.meta.url)),
  );
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error('The script of a lane is missing. Run npm run build.');
  return path;
}
