import {
  type EngineMessage,
  type EngineRequest,
  type EngineResults,
  isHostMessage,
  type WireError,
} from '../protocol/engineMessages.js';
import type { Report } from '../protocol/report.js';
import { toWireError } from './wireErrors.js';

/** The parts of `process` that requests are served on; tests pass their own. */
export interface HostChannel {
  on(event: 'message', listener: (message: unknown) => void): void;
  send(message: EngineMessage): void;
}

/** Answers one request; a rejection crosses as its error. */
export type ServeRequest = (
  id: number,
  request: EngineRequest,
) => Promise<EngineResults[keyof EngineResults]>;

/** What crosses of something that was thrown. */
export interface WireFailure {
  readonly error: WireError;
  /** What is known of a run that failed half-way. */
  readonly report?: Report;
}

/**
 * Serves requests from the host, one after another, each answered exactly once whatever happens.
 *
 * Nothing here cancels: the host ends the process instead.
 */
export function serveRequests(
  channel: HostChannel,
  serve: ServeRequest,
  failureOf: (error: unknown) => WireFailure = (error) => ({ error: toWireError(error) }),
): void {
  const answer = async (id: number, request: EngineRequest): Promise<void> => {
    try {
      channel.send({ kind: 'done', id, result: await serve(id, request) });
    } catch (error) {
      channel.send({ kind: 'failed', id, ...failureOf(error) });
    }
  };
  let last: Promise<void> = Promise.resolve();
  channel.on('message', (message) => {
    if (!isHostMessage(message)) return;
    last = last.then(() => answer(message.id, message.request));
  });
}
