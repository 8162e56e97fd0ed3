import { UserError } from '../../src/base/errors.js';

/** Something of others would be shipped about which the notices cannot say what they must. */
export function unnoticed(message: string): UserError {
  return new UserError('third-party-notices', message);
}
