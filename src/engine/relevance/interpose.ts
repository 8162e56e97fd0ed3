import type { GradientRule, InputCotangent, RuleContext } from '../gradients/gradientRule.js';
import { gradientRules } from '../gradients/ruleTable.js';

/** What stands between the driver and the gradient's own rule of a node. */
export type Interposer = (own: GradientRule, context: RuleContext) => readonly InputCotangent[];

/** Returns rules for all operators that ask `through` in place of the gradient's own, which it is handed. */
export function interposed(through: Interposer): readonly GradientRule[] {
  return gradientRules.map((own) => ({ ...own, backward: (context) => through(own, context) }));
}
