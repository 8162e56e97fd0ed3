import { UserError } from '../../base/errors.js';

/** Returns the error for a neuron without weights of its own; `reason` completes "has no weights to show: …". */
export function noWeights(address: string, reason: string): UserError {
  return new UserError('no-weights', `${address} has no weights to show: ${reason}.`, {
    detail: { address },
  });
}
