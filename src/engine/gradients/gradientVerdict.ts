import type { GradientCheckRow } from '../../protocol/gradientCheck.js';
import type { DirectionalError } from './directionalCheck.js';

/**
 * Largest relative error that passes: float32 leaves about 2⁻²⁴/2⁻⁸ ≈ 1e-5 of each term at the best step, and up to some
 * 1e-3 where large terms cancel or curvature is strong; a wrong sign, factor or window is off by 0.1 and more.
 */
export const gradientCheckTolerance = 1e-2;

/** The tolerance of a whole model: kinks of all its layers lie between the steps and add up to some hundredths. */
export const wholeModelTolerance = 0.1;

/** Judges what was compared; `unmet` tells why other nodes were not. */
export function judge(
  compared: readonly DirectionalError[],
  unmet: readonly string[],
  tolerance = gradientCheckTolerance,
): Pick<GradientCheckRow, 'status' | 'maxError' | 'checkedCount' | 'note'> {
  const errors = compared.flatMap(({ error }) => (error === null ? [] : [error]));
  const [note = 'no result was smooth around this point'] = unmet;
  if (errors.length === 0) return { status: 'not-checked', maxError: null, checkedCount: 0, note };
  // NaN must not pass.
  const isPassed = errors.every((error) => error <= tolerance);
  const maxError = errors.reduce((worst, error) => (error <= worst ? worst : error), 0);
  const worst = compared.find((comparison) => comparison.error === maxError);
  const blame = `by its operand "${worst?.input ?? ''}"`;
  return {
    status: isPassed ? 'passed' : 'failed',
    maxError,
    checkedCount: errors.length,
    note: isPassed ? (unmet[0] ?? '') : blame,
  };
}
