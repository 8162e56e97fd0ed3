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
  const thread = startThread({ model, options });
  const opened = await thread.answer();
  if (!('inputMetadata' in opened)) throw new Error('A lane answered before it was open.');
  return {
    inputNames: opened.inputMetadata.map(({ name }) => name),
    inputMetadata: opened.inputMetadata,
    async run(feeds, fetches) {
      const done = await thread.answer({ kind: 'run', feeds: plainTensors(feeds), fetches });
      if (!('results' in done)) throw new Error('A lane answered without results.');
      return tensorsOf(done.results, OrtTensor);
    },
    release: () => thread.end(),
  };
}

type Request =
  | { readonly kind: 'run'; readonly feeds: PlainTensors; readonly fetches: readonly string[] }
  | { readonly kind: 'release' };

interface Thread {
  /** Asks for something, if anything is to be asked, and returns the next answer. */
  answer(request?: Request): Promise<Exclude<Answer, { readonly kind: 'failed' }>>;
  end(): Promise<void>;
}

/** The thread, which keeps the process alive while an answer is waited for, and no longer. */
function startThread(order: Pick<LaneOrder, 'model' | 'options'>): Thread {
  const worker = new Worker(laneScript(), { workerData: order });
  const state: ThreadState = { worker, ended: undefined, isEnding: false, settle: undefined };
  const end = (error: Error): void => {
    state.ended ??= error;
    state.settle?.(state.ended);
  };
  worker.on('message', (answer: Answer) => state.settle?.(answer));
  worker.on('error', end);
  worker.on('messageerror', end);
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', (code) => {
      end(new Error(`A thread of the engine ended with code ${String(code)}.`));
      resolve();
    });
  });
  return {
    answer: (request) => nextAnswer(state, request),
    async end() {
      if (state.ended !== undefined) return;
      state.isEnding = true;
      worker.ref();
      post(state, { kind: 'release' });
      await exited;
    },
  };
}

interface ThreadState {
  readonly worker: Worker;
  /** Why it no longer answers. */
  ended: Error | undefined;
  isEnding: boolean;
  settle: ((answer: Answer | Error) => void) | undefined;
}

function nextAnswer(
  state: ThreadState,
  request: Request | undefined,
): Promise<Exclude<Answer, { readonly kind: 'failed' }>> {
  return new Promise((resolve, reject) => {
    state.settle = (answer) => {
      state.settle = undefined;
      if (!state.isEnding) state.worker.unref();
      if (answer instanceof Error) reject(answer);
      else if (answer.kind === 'failed') reject(new Error(answer.message));
      else resolve(answer);
    };
    state.worker.ref();
    if (state.ended !== undefined) state.settle(state.ended);
    else if (request !== undefined) post(state, request);
  });
}

function post({ worker, settle }: ThreadState, request: Request): void {
  try {
    worker.postMessage(request);
  } catch (error) {
    settle?.(error instanceof Error ? error : new Error(String(error)));
  }
}

function plainTensors(tensors: Readonly<Record<string, Tensor>>): PlainTensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { type, data, dims }]) => [name, { type, data: alone(data), dims }]),
  );
}

/** A view's own elements: sent as it is, all of the memory behind it would be copied. */
function alone(data: Tensor['data']): Tensor['data'] {
  return ArrayBuffer.isView(data) && data.byteLength < data.buffer.byteLength ? data.slice() : data;
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
