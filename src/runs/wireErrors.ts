import { UserError } from '../base/errors.js';
import type { WireError } from '../protocol/engineMessages.js';

/** A bug that happened in the engine process, with the stack it had there. */
export class EngineBug extends Error {
  constructor(name: string, message: string, stack: string) {
    super(message);
    this.name = name;
    this.stack = stack;
  }
}

/** Returns anything that was thrown in the form that crosses the channel. */
export function toWireError(error: unknown): WireError {
  if (error instanceof UserError) {
    return {
      kind: 'user',
      code: error.code,
      message: error.message,
      errorKind: error.kind,
      detail: plainDetail(error.detail),
    };
  }
  if (error instanceof Error) {
    return { kind: 'bug', name: error.name, message: error.message, stack: error.stack ?? '' };
  }
  return { kind: 'bug', name: 'Error', message: String(error), stack: '' };
}

/** Returns the error behind its wire form. */
export function fromWireError(error: WireError): Error {
  if (error.kind === 'bug') return new EngineBug(error.name, error.message, error.stack);
  return new UserError(error.code, error.message, { kind: error.errorKind, detail: error.detail });
}

/** Details may hold anything; what structured clone cannot carry (functions, say) would lose the whole answer. */
function plainDetail(detail: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  try {
    return structuredClone(detail);
  } catch {
    return {};
  }
}
