import { type Logger, silentLogger } from '../../base/logger.js';
import type * as OrtModule from 'onnxruntime-node';
import type { InferenceSession } from 'onnxruntime-node';
import { weightFileCheck } from '../../onnx/checkWeightFiles.js';
import type { Model } from '../../onnx/model.js';
import { serializeModel, weightsFolder } from '../../onnx/serializeModel.js';
import { modelRejected, providerUnavailable, runtimeMissing, shortMessage } from './ortErrors.js';
import { openLane } from './lanes/openLane.js';
import { withLanes } from './lanes/withLanes.js';
import { wrapSession } from './ortSession.js';
import { withReturnableOutputs } from './outputCasts.js';
import { probeModel } from './probeModel.js';
import { withFallback } from './fallbackSession.js';
import { candidates } from './providers.js';
import type { Provider, ProviderChoice, Runtime, Session, SessionOptions } from './session.js';
import { nameWebgpuGaps } from './webgpuGaps.js';

/** How the runtime is set up. */
export interface RuntimeOptions {
  readonly provider: ProviderChoice;
  /** Intra-op threads of every session; default: the runtime's own choice, the number of cores. */
  readonly threadCount?: number;
  readonly log?: Logger;
}

/** What fails is thrown, and reported once, by us; at `error` the runtime would print it to stderr as well. */
const fatalOnly = 4;

/**
 * How long threads that wait for work keep a core, in microseconds: long enough for the gaps within a run. By default they go on
 * after it, and take the core from the next session of this process and from every other program (`bench/turns.bench.ts`).
 */
const spinMicroseconds = 1000;

type Ort = typeof OrtModule;

interface RuntimeState {
  readonly options: RuntimeOptions;
  readonly log: Logger;
  loading: Promise<Ort> | undefined;
  choosing: Promise<Provider> | undefined;
  provider: Provider | undefined;
  version: string;
}

/**
 * Returns the native runtime, loaded when the first session is opened.
 *
 * Opening and running block the thread, and nothing but the end of the process stops a run: use it in the engine
 * process only.
 */
export function createRuntime(options: RuntimeOptions): Runtime {
  const log = options.log ?? silentLogger;
  const state: RuntimeState = {
    options,
    log,
    loading: undefined,
    choosing: undefined,
    provider: undefined,
    version: 'not loaded',
  };
  return {
    get provider() {
      return state.provider;
    },
    get version() {
      return state.version;
    },
    open: (model, sessionOptions = {}) => openSession(state, model, sessionOptions),
  };
}

async function openSession(state: RuntimeState, model: Model, options: SessionOptions): Promise<Session> {
  const ort = await load(state);
  const checkFiles = weightFileCheck(model);
  checkFiles();
  state.choosing ??= chooseProvider(ort, state);
  const chosen = await state.choosing;
  const returnable = withReturnableOutputs(model);
  const opening = { ort, model: returnable.model, options: nativeOptions(state, returnable.model, options) };
  const { native, provider } = await createWithFallback(opening, chosen, state);
  state.provider = provider;
  const parts = { outputs: returnable.outputs, OrtTensor: ort.Tensor, checkFiles };
  const session = wrapSession({ native, provider, ...parts });
  if (provider === 'cpu' && options.purpose !== 'probe') {
    let laneModel: Uint8Array | undefined;
    return withLanes(session, model, {
      threadCount: threadCountOf(state, options),
      log: state.log,
      open: async (threadCount) => {
        const lane = {
          ...nativeOptions(state, returnable.model, { threadCount }),
          executionProviders: ['cpu'],
        };
        const order = {
          model: (laneModel ??= serializeModel(returnable.model)),
          options: lane,
          OrtTensor: ort.Tensor,
        };
        return wrapSession({ native: await openLane(order), provider, ...parts });
      },
    });
  }
  if (state.options.provider !== 'auto' || provider === 'cpu') return session;
  return withFallback(session, async (why) => {
    state.log.warn(`Provider ${provider} cannot run this model, cpu is used: ${why.message}`);
    const onCpu = await createNative(opening, 'cpu');
    state.provider = 'cpu';
    return wrapSession({ native: onCpu, provider: 'cpu', ...parts });
  });
}

async function load(state: RuntimeState): Promise<Ort> {
  // Loaded late, so that reading models, help texts and completion start without native code.
  state.loading ??= importRuntime().then((module) => {
    // CommonJS: bundlers and Node disagree on where the exports are.
    const ort = 'default' in module ? (module.default as Ort) : module;
    ort.env.logLevel = 'fatal';
    state.version = ort.env.versions.node ?? ort.env.versions.common;
    return ort;
  });
  return state.loading;
}

async function importRuntime(): Promise<Ort> {
  // The official builds for Linux and macOS report usage to their maker, and keep an id of the machine in the home
  // folder, unless this is set before they load. Read by native code: it has no effect when set in a worker thread.
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
  try {
    return await import('onnxruntime-node');
  } catch (cause) {
    throw runtimeMissing(cause);
  }
}

/** Takes the first candidate that opens a one-node model: a missing provider throws, even in a list with others. */
async function chooseProvider(ort: Ort, state: RuntimeState): Promise<Provider> {
  const { provider: choice } = state.options;
  const bundled = ort.listSupportedBackends().map(({ name }) => name);
  let lastError: unknown;
  for (const provider of candidates(choice, bundled)) {
    try {
      const probe = await ort.InferenceSession.create(serializeModel(probeModel), {
        executionProviders: [provider],
        logSeverityLevel: fatalOnly,
      });
      await probe.release();
      state.log.info(`Provider ${provider} is in use.`);
      return provider;
    } catch (error) {
      lastError = error;
      state.log.info(`Provider ${provider} does not work: ${shortMessage(error)}`);
    }
  }
  throw providerUnavailable(choice, lastError);
}

interface Opening {
  readonly ort: Ort;
  readonly model: Model;
  readonly options: InferenceSession.SessionOptions;
}

async function createWithFallback(
  opening: Opening,
  chosen: Provider,
  state: RuntimeState,
): Promise<{ native: InferenceSession; provider: Provider }> {
  try {
    return { native: await createNative(opening, chosen), provider: chosen };
  } catch (error) {
    if (state.options.provider !== 'auto' || chosen === 'cpu') {
      throw modelRejected(opening.model, chosen, error);
    }
    state.log.warn(`Provider ${chosen} cannot open this model, cpu is used: ${shortMessage(error)}`);
  }
  try {
    return { native: await createNative(opening, 'cpu'), provider: 'cpu' };
  } catch (error) {
    throw modelRejected(opening.model, 'cpu', error);
  }
}

function createNative({ ort, model, options }: Opening, provider: Provider): Promise<InferenceSession> {
  const executionProviders = [provider];
  const gaps = provider === 'webgpu' ? nameWebgpuGaps(model) : { model, names: [] };
  if (gaps.names.length === 0) {
    return ort.InferenceSession.create(serializeModel(model), { ...options, executionProviders });
  }
  const withGaps = [{ name: 'webgpu', forceCpuNodeNames: gaps.names }];
  return ort.InferenceSession.create(serializeModel(gaps.model), {
    ...options,
    executionProviders: withGaps,
  });
}

function threadCountOf(state: RuntimeState, options: SessionOptions): number | undefined {
  return options.threadCount ?? state.options.threadCount;
}

/** The runtime throws on options that are undefined, so absent ones have no key. */
function nativeOptions(
  state: RuntimeState,
  model: Model,
  options: SessionOptions,
): InferenceSession.SessionOptions {
  const folder = weightsFolder(model);
  const threadCount = threadCountOf(state, options);
  const isProbe = options.purpose === 'probe';
  const session = {
    intra_op: { spin_duration_us: String(spinMicroseconds) },
    ...(folder === undefined ? {} : { model_external_initializers_file_folder_path: folder }),
    // Without prepacking weights stay mapped from the file: a 420 MB model opens in 64 ms instead of 1.2 s.
    ...(isProbe ? { disable_prepacking: '1' } : {}),
  };
  return {
    graphOptimizationLevel: 'all',
    logSeverityLevel: fatalOnly,
    ...(threadCount === undefined ? {} : { intraOpNumThreads: threadCount }),
    extra: { session },
  };
}
