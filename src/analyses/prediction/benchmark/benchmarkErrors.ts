import { UserError } from '../../../base/errors.js';
import type { LeftOut } from './contest.js';

/** Returns the error for a pointing game without masks. */
export function noMasks(): UserError {
  return new UserError(
    'masks-not-given',
    'The pointing game asks whether the highest score lies where the evidence is, and nobody said where that is. Set masks to an .npy file with one mask per sample, or choose other measures.',
  );
}

/** Returns the error for a model that none of the methods fits. */
export function noEntrants(leftOut: readonly LeftOut[]): UserError {
  const reasons = leftOut.map(({ title, reason }) => `${title}: ${reason}`).join(' ');
  return new UserError('no-method-fits', `None of the methods fits this model. ${reasons}`);
}
