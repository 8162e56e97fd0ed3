import { fill } from '../../../activations/entry.js';
import { extremesOf } from '../../../activations/extremes.js';
import type { FoundActivation } from '../../../activations/recognise/findActivations.js';
import { formatAddress } from '../../../onnx/addresses.js';
import type { Finding } from '../../../protocol/report.js';
import { activationName } from './functionsInUse.js';
import type { ActivationUse, ActivationUses } from './measureUse.js';

/** Share of the inputs in the flat parts of a function with two bounds from which it hardly learns. */
const saturatedShare = 0.5;

/** The same of a function with a dead zone on one side: ReLU has half of its inputs there by design. */
const deadShare = 0.9;

/** Share of the inputs with slope 1 from which a function is no more than a straight line. */
const identityShare = 0.99;

/** Layers named in a finding about several. */
const namedCount = 6;

/** Returns what is worth acting on: activations that are no entry, that are saturated, and that make nothing nonlinear. */
export function useFindings(found: readonly FoundActivation[], uses: ActivationUses | undefined): Finding[] {
  const findings = found.flatMap((activation) => {
    const use = uses?.get(activation);
    // An output that is sure is saturated, and its loss makes up for that.
    const isJudged = use !== undefined && typeof use !== 'string' && !activation.isOutput;
    return isJudged ? findingsOf(activation, use) : [];
  });
  const unknown = found.filter(({ match, expression }) => match === undefined && expression !== undefined);
  if (unknown.length === 0) return findings;
  const names = unknown.slice(0, namedCount).map(({ layer }) => layer.name);
  const more = unknown.length > namedCount ? ` and ${String(unknown.length - namedCount)} more` : '';
  return [
    ...findings,
    {
      severity: 'info',
      message: `${names.join(', ')}${more}: no entry of the catalogue has these values.`,
      advice: 'See their curves, and Written as in the table of activations, for what they compute.',
    },
  ];
}

function findingsOf(activation: FoundActivation, use: ActivationUse): Finding[] {
  const { layer } = activation;
  const name = activationName(activation);
  const percent = (share: number): string => `${(100 * share).toFixed(share < 0.995 ? 0 : 1)} %`;
  const address = formatAddress({ layer: layer.name });
  const saturated = use.saturatedShare ?? 0;
  if (saturated > (hasTwoBounds(activation) ? saturatedShare : deadShare)) {
    return [
      {
        severity: 'warning',
        address,
        message: `${layer.name}: ${percent(saturated)} of the inputs fall where ${name} has a slope of 0.01 or less.`,
        advice:
          layer.kind === 'gate'
            ? 'A gate may be meant to be open or closed; one that is the same for every input can be left out.'
            : 'Almost no gradient passes there: normalise in front of it, start from smaller weights or biases nearer 0, or take a function without flat parts.',
      },
    ];
  }
  if ((use.identityShare ?? 0) > identityShare) {
    return [
      {
        severity: 'info',
        address,
        message: `${layer.name}: ${percent(use.identityShare ?? 0)} of the inputs fall where ${name} has a slope within 0.01 of 1.`,
        advice: 'On these data it is a straight line; see whether the model needs it.',
      },
    ];
  }
  return [];
}

function hasTwoBounds({ match }: FoundActivation): boolean {
  if (match === undefined) return false;
  const { low, high } = extremesOf(fill(match.entry, match.parameters).value);
  return Number.isFinite(low) && Number.isFinite(high);
}
