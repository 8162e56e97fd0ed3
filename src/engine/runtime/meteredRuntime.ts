import type { TensorValue } from '../../onnx/tensorValue.js';
import type { Runtime, Session } from './session.js';

/** What was used since a meter was started. */
export interface Usage {
  /** Time passed, without that in which sessions were opened: they are shared by whoever comes next. */
  readonly elapsedMs: number;
  /** Bytes of the tensors that went into and came out of the largest run. */
  readonly largestRunBytes: number;
}

/** A runtime that measures what is done with it. */
export interface MeteredRuntime extends Runtime {
  /** Forgets what was used so far. */
  readonly restart: () => void;
  readonly usage: () => Usage;
}

/** Returns a runtime that behaves like the given one and keeps time; one piece of work at a time is measured. */
export function meteredRuntime(runtime: Runtime): MeteredRuntime {
  let startMs = performance.now();
  let openMs = 0;
  let largestRunBytes = 0;
  const counting =
    (runs: Pick<Session, 'run'>): Session['run'] =>
    async (feeds, outputNames) => {
      const results = await runs.run(feeds, outputNames);
      largestRunBytes = Math.max(largestRunBytes, bytesOf(feeds) + bytesOf(results));
      return results;
    };
  const opening: Opening = async (open) => {
    const startedMs = performance.now();
    const opened = await open();
    openMs += performance.now() - startedMs;
    return opened;
  };
  return {
    get provider() {
      return runtime.provider;
    },
    version: runtime.version,
    open: async (model, options) =>
      meteredSession(await opening(() => runtime.open(model, options)), { counting, opening }),
    restart: () => {
      startMs = performance.now();
      openMs = 0;
      largestRunBytes = 0;
    },
    usage: () => ({ elapsedMs: performance.now() - startMs - openMs, largestRunBytes }),
  };
}

/** Opens something, in time that is not counted. */
type Opening = <Opened>(open: () => Promise<Opened>) => Promise<Opened>;

interface Meters {
  readonly counting: (runs: Pick<Session, 'run'>) => Session['run'];
  readonly opening: Opening;
}

function meteredSession(session: Session, { counting, opening }: Meters): Session {
  return {
    provider: session.provider,
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    close: () => session.close(),
    run: counting(session),
    sizeOf: (feeds) => session.sizeOf?.(feeds) ?? 0,
    async lanes() {
      const lanes = await opening(async () => session.lanes?.());
      return lanes === undefined ? undefined : { ...lanes, run: counting(lanes) };
    },
  };
}

function bytesOf(tensors: Readonly<Record<string, TensorValue>>): number {
  return Object.values(tensors).reduce(
    (sum, { data }) => sum + (Array.isArray(data) ? 0 : data.byteLength),
    0,
  );
}
