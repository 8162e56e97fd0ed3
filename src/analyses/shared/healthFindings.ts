import { formatAddress } from '../../onnx/addresses.js';
import type { Finding } from '../../protocol/report.js';
import type { HealthFigures, LayerFigures } from './layerFigures.js';
import { neverOf, type UnitState } from './states.js';

/** Share of a layer's neurons from which dead ones are a warning, and from which an error. */
const warningShare = 0.1;
const errorShare = 0.5;

/** What to say and to try for each state worth a finding. */
const phrases: Readonly<Partial<Record<UnitState, { readonly says: string; readonly advice: string }>>> = {
  'not-finite': {
    says: 'are NaN or infinite somewhere',
    advice:
      'Find the first layer in this list: everything after it is touched too. Look for overflow (lower the learning rate, clip gradients), a division by zero, or a logarithm of zero.',
  },
  'always-negative': {
    says: 'are never above 0',
    advice: 'They only scale by the leak: lower the learning rate or normalise before the activation.',
  },
  constant: {
    says: 'give the same output for everything',
    advice: 'They carry no information: check that their inputs vary, or remove them.',
  },
  saturated: {
    says: 'sit at a bound of their activation',
    advice:
      'Hardly any gradient passes through them: scale down the weights or the input, or normalise before the activation.',
  },
  rare: {
    says: 'fire on fewer than 0.1 % of',
    advice: 'They may detect something rare: look at their top examples before removing them.',
  },
  'always-on': {
    says: 'are active on every element of',
    advice:
      'They never switch, so the activation is the identity for them: a linear layer could take their place.',
  },
};

const stateOrder: readonly UnitState[] = [
  'not-finite',
  'dead',
  'always-negative',
  'constant',
  'saturated',
  'rare',
  'always-on',
];

/** Returns what is worth acting on, worst first and in the model's order: one finding per layer and state. */
export function healthFindings(figures: HealthFigures, samples: string): Finding[] {
  return stateOrder.flatMap((state) =>
    figures.layers
      .filter((layer) => layer.stateCounts[state] > 0)
      .map((layer) =>
        state === 'dead' ? deadFinding(layer, figures, samples) : findingOf(layer, state, samples),
      ),
  );
}

function deadFinding(layer: LayerFigures, figures: HealthFigures, samples: string): Finding {
  const count = layer.stateCounts.dead;
  const share = count / layer.unitCount;
  const verb = count === 1 ? 'fires' : 'fire';
  return {
    severity: share >= errorShare ? 'error' : share >= warningShare ? 'warning' : 'info',
    address: formatAddress({ layer: layer.name }),
    message: `${countOf(layer, count)} never ${verb} on ${samples}: ${neverOf(figures.sampleCount)} for each.`,
    advice:
      share >= warningShare
        ? 'Lower the learning rate or warm it up, use He initialisation with biases at 0, or try LeakyReLU or GELU; to shrink this model, remove them.'
        : 'A few dead neurons do no harm: remove them to shrink the model, or use LeakyReLU to keep them trainable.',
  };
}

function findingOf(layer: LayerFigures, state: UnitState, samples: string): Finding {
  const phrase = phrases[state];
  const count = layer.stateCounts[state];
  const isCounted = state === 'rare' || state === 'always-on';
  const where = isCounted ? ` ${samples}` : ` on ${samples}`;
  return {
    severity: state === 'not-finite' ? 'error' : isCounted ? 'info' : 'warning',
    address: formatAddress({ layer: layer.name }),
    message: `${countOf(layer, count)} ${phrase?.says ?? `are ${state}`}${where}.`,
    advice: phrase?.advice ?? '',
  };
}

function countOf(layer: LayerFigures, count: number): string {
  const noun = layer.unitCount === 1 ? 'neuron' : 'neurons';
  return `${count.toLocaleString('en')} of ${layer.unitCount.toLocaleString('en')} ${noun} in ${layer.name}`;
}
