import { statSync } from 'node:fs';
import type { KeptParts } from '../analyses/prediction/generation/openGeneration.js';
import type { Logger } from '../base/logger.js';
import { soundModel } from '../engine/graph/verify.js';
import { createRuntime } from '../engine/runtime/ortRuntime.js';
import type { Runtime } from '../engine/runtime/session.js';
import type { Model } from '../onnx/model.js';
import { convertToOpset17 } from '../onnx/opsets/convert.js';
import type { ContinueTextRequest } from '../protocol/engineMessages.js';

/** A language model as it writes. */
export interface Writer {
  readonly model: Model;
  readonly runtime: Runtime;
  /** Tokenizer and session, once they were opened. */
  readonly parts: KeptParts;
}

/** The language model that wrote last: open for the next continuation, because opening takes longer than a few tokens do. */
export interface KeptWriter {
  /** Returns the writer of a request: the one that is kept, or a new one in its place. */
  of(opened: Model, request: ContinueTextRequest, tokenizerPath: string): Promise<Writer>;
  /** The writer that was returned last is done: it is closed unless it is asked for again soon. */
  rest(): void;
  /** Closes what is kept: other work needs the memory, or something about it failed. */
  release(): Promise<void>;
}

/** A person who reads, or tries another prompt, takes no longer; the weights of a large model are not held for ever. */
const defaultIdleMs = 5 * 60_000;

/** Returns a keeper of one writer, which is closed when it was not asked for some time. */
export function createKeptWriter(log: Logger, idleMs = defaultIdleMs): KeptWriter {
  let kept: { readonly opened: Model; readonly key: string; readonly writer: Writer } | undefined;
  let idle: NodeJS.Timeout | undefined;
  const release = async (): Promise<void> => {
    clearTimeout(idle);
    const { decoder } = kept?.writer.parts ?? {};
    kept = undefined;
    await decoder?.close();
  };
  return {
    of: async (opened, request, tokenizerPath) => {
      clearTimeout(idle);
      const { provider, threadCount } = request;
      const key = JSON.stringify([provider, threadCount, tokenizerPath, stampOf(tokenizerPath)]);
      // A model that changed is read again, as another object.
      if (kept === undefined || kept.opened !== opened || kept.key !== key) {
        await release();
        const threads = threadCount === undefined ? {} : { threadCount };
        const runtime = createRuntime({ provider, log, ...threads });
        kept = { opened, key, writer: { model: convertToOpset17(soundModel(opened)), runtime, parts: {} } };
      }
      return kept.writer;
    },
    rest: () => {
      clearTimeout(idle);
      idle = setTimeout(() => void release(), idleMs);
      // Nothing is waited for: the process may end meanwhile.
      idle.unref();
    },
    release,
  };
}

function stampOf(path: string): string {
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts === undefined ? 'missing' : `${facts.size} ${facts.mtimeMs}`;
}
