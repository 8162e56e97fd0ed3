import type { Finding } from '../../../protocol/report.js';

/** Returns what it means that some activations are no rectifiers. */
export function rectifierFindings(withoutRule: readonly string[]): Finding[] {
  if (withoutRule.length === 0) return [];
  return [
    {
      severity: 'warning',
      message: `The method is defined for rectifiers (ReLU). Here it met ${withoutRule.join(', ')}, which got the plain gradient.`,
      advice: 'Use method=integrated-gradients or deeplift-rescale, which make no such assumption.',
    },
  ];
}
