import { Cancelled } from '../../base/abort.js';
import type { Outcome } from '../../runs/engineClient.js';

/**
 * Returns the result of an answered request.
 *
 * @throws Cancelled when it was cancelled; the request's own error when it failed.
 */
export function resultOf<Result>(outcome: Outcome<Result>): Result {
  switch (outcome.kind) {
    case 'done':
      return outcome.result;
    case 'failed':
      throw outcome.error;
    case 'cancelled':
      throw new Cancelled();
  }
}
