import { UserError } from '../../base/errors.js';

/** Returns the error for an address where nothing can be changed. */
export function cannotIntervene(address: string, reason: string): UserError {
  return new UserError(
    'cannot-intervene',
    `Nothing can be changed at "${address}": ${reason}. Choose another layer.`,
    { detail: { address } },
  );
}
