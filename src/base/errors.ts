/** The exit code class of a failure a person can act on: their input (2) or their environment (4). */
export type ErrorKind = 'input' | 'environment';

/** What a UserError may carry besides its message. */
export interface UserErrorOptions {
  /** `input` (exit 2, default) or `environment` (exit 4: provider, memory, disk, engine lost). */
  readonly kind?: ErrorKind;
  readonly cause?: unknown;
  /** Machine-readable facts: the offending value, the limits, the path. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Shared by every copy of this module: the extension's code is loaded in several bundles, each with its own. */
const brand = Symbol.for('neuron-inspector.user-error');

/**
 * A failure that the person in front of the tool can mend.
 *
 * The message says what happened, to which thing, and what to do. `code` is kebab-case and stable, so nothing ever
 * matches message text. Everything that is not a UserError is our bug and propagates.
 */
export class UserError extends Error {
  readonly [brand] = true;
  readonly code: string;
  readonly kind: ErrorKind;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, options: UserErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UserError';
    this.code = code;
    this.kind = options.kind ?? 'input';
    this.detail = options.detail ?? {};
  }

  /** An error made by another bundle's copy of this class is one too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** Returns the message of anything that was thrown, for a log line or a `cause`. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
