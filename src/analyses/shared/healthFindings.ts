import { formatAddress } from '../../onnx/addresses.js';
import type { Finding } from '../../protocol/report.js';
import { type HealthFigures, isExpected, type LayerFigures } from './layerFigures.js';
import { neverOf, type UnitState } from './states.js';

/** Share of a layer's neurons from which dead ones are a warning, and from which an error. */
const warningShare = 0.1;
const errorShare = 0.5;

/** Samples under which silence is no ground for advice on training: the rate may still be above 10 % (3/N). */
const adviceSampleCount = 30;

const tooFewAdvice = `Too few samples to act on: run on ${adviceSampleCount} or more, so that one that fires on 10 % of them is seen.`;

interface Phrase {
  /** Said of one neuron, and of several. */
  readonly says: readonly [one: string, many: string];
  readonly advice: string;
}

/** What to say and to try for each state worth a finding. */
const phrases: Readonly<Partial<Record<UnitState, Phrase>>> = {
  'not-finite': {
    says: ['is NaN or infinite somewhere', 'are NaN or infinite somewhere'],
    advice:
      'Find the first layer in this list: everything after it is touched too. Look for overflow (lower the learning rate, clip gradients), a division by zero, or a logarithm of zero.',
  },
  'always-negative': {
    says: ['is never above 0', 'are never above 0'],
    advice: 'They only scale by the leak: lower the learning rate or normalise before the activation.',
  },
  constant: {
    says: ['gives the same output for everything', 'give the same output for everything'],
    advice: 'They carry no information: check that their inputs vary, or remove them.',
  },
  saturated: {
    says: ['sits at a bound of its activation', 'sit at a bound of their activation'],
    advice:
      'Hardly any gradient passes through them: scale down the weights or the input, or normalise before the activation.',
  },
  rare: {
    says: ['fires on fewer than 0.1 % of', 'fire on fewer than 0.1 % of'],
    advice: 'They may detect something rare: look at their top examples before removing them.',
  },
  'always-on': {
    says: ['is active on every element of', 'are active on every element of'],
    advice:
      'They never switch off, so the activation is the identity for them unless it has a cap: a linear layer could take their place.',
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
      .filter((layer) => layer.stateCounts[state] > 0 && !isExpected(layer, state))
      .map((layer) =>
        state === 'dead' ? deadFinding(layer, figures, samples) : findingOf(layer, state, samples),
      ),
  );
}

function deadFinding(layer: LayerFigures, figures: HealthFigures, samples: string): Finding {
  const count = layer.stateCounts.dead;
  const share = count / layer.unitCount;
  const verb = count === 1 ? 'fires' : 'fire';
  const areFew = figures.sampleCount < adviceSampleCount;
  return {
    severity: areFew ? 'info' : share >= errorShare ? 'error' : share >= warningShare ? 'warning' : 'info',
    address: formatAddress({ layer: layer.name }),
    message: `${countOf(layer, count)} never ${verb} on ${samples}: ${neverOf(figures.sampleCount)} for each.`,
    advice: areFew
      ? tooFewAdvice
      : share >= warningShare
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
    message: `${countOf(layer, count)} ${phrase?.says[count === 1 ? 0 : 1] ?? `are ${state}`}${where}.`,
    advice: phrase?.advice ?? '',
  };
}

function countOf(layer: LayerFigures, count: number): string {
  const noun = layer.unitCount === 1 ? 'neuron' : 'neurons';
  return `${count.toLocaleString('en')} of ${layer.unitCount.toLocaleString('en')} ${noun} in ${layer.name}`;
}
