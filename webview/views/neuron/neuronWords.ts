import type { ReportNumber } from '../../../src/protocol/blocks.js';
import { formatDuration, formatNumber } from '../../../src/protocol/formatReport.js';
import type { UnitExample } from '../../../src/protocol/units.js';
import type {
  MeasurementEstimate,
  NeuronPlace,
  StaleReason,
} from '../../../src/protocol/views/neuronMessages.js';
import { t } from '../../text.js';

// How the page words what the host knows.

/** Returns what a neuron is: `conv channel`, `attention head`, `Relu feature`. */
export function kindText({ source, layerKind, operator, map }: NeuronPlace): string {
  if (source === 'head') return t('attention head');
  if (source === 'hidden') return t('hidden unit of an MLP');
  const isChannel = map !== null && map.length > 1;
  switch (layerKind) {
    case 'conv':
      return t('conv channel');
    case 'dense':
      return t('dense feature');
    case 'embedding':
      return t('embedding feature');
    case 'recurrent':
      return t('{0} unit', operator);
    case 'gate':
      return t('gate unit');
    case 'scope':
    case 'block':
    case null:
      return t('unit of a block');
    case 'classifier':
    case 'regressor':
      return t('{0} output', operator);
    case 'attention':
    case 'normalization':
    case 'activation':
      return isChannel ? t('{0} channel', operator) : t('{0} feature', operator);
  }
}

/** Returns the shape of a neuron's map: `28×28 map`, `16 positions`. */
export function mapText(map: NeuronPlace['map']): string {
  if (map === null) return t('map of unknown shape');
  // A recurrent layer has an axis of directions, which mostly is one.
  const counted = map.filter((size) => size !== 1);
  const sizes = counted.map((size) =>
    size === null ? '?' : typeof size === 'number' ? formatNumber(size, 'count') : size,
  );
  const [only] = counted;
  if (sizes.length === 0) return t('one value a sample');
  if (sizes.length > 1) return t('{0} map', sizes.join('×'));
  return typeof only === 'number'
    ? t('{0} positions', sizes.join(''))
    : t('one value for each of {0}', sizes.join(''));
}

/** Returns a state as a person says it. */
export function stateText(state: string): string {
  switch (state) {
    case 'active':
      return t('active');
    case 'dead':
      return t('dead');
    case 'rare':
      return t('rare');
    case 'always-on':
      return t('always on');
    case 'constant':
      return t('constant');
    case 'saturated':
      return t('saturated');
    case 'always-negative':
      return t('always negative');
    case 'not-finite':
      return t('not finite');
    case 'not-judged':
      return t('not judged');
    default:
      return state;
  }
}

/** Returns a number of samples: `10,000 images`. */
export function countText(count: number, areImages: boolean): string {
  const number = formatNumber(count, 'count');
  if (areImages) return count === 1 ? t('1 image') : t('{0} images', number);
  return count === 1 ? t('1 sample') : t('{0} samples', number);
}

/** What the sentence about a neuron is made of. */
export interface ActivityFacts {
  readonly state: string;
  readonly sampleCount: number;
  readonly activeSampleCount: number;
  readonly maximum: ReportNumber;
}

/** Returns the sentence about a neuron: `active on 12.4 % of 10,000 images · max 7.9 · not dead`. */
export function activityText(facts: ActivityFacts, areImages: boolean): string {
  const { state, sampleCount, activeSampleCount, maximum } = facts;
  const samples = countText(sampleCount, areImages);
  const share = formatNumber(activeSampleCount / Math.max(1, sampleCount), 'percent');
  const isJudged = state !== 'not-judged';
  const none = isJudged ? t('active on 0 of {0}', samples) : t('above 0 on 0 of {0}', samples);
  const some = isJudged
    ? t('active on {0} of {1}', share, samples)
    : t('above 0 on {0} of {1}', share, samples);
  const parts = [activeSampleCount === 0 ? none : some, t('max {0}', formatNumber(maximum))];
  if (isJudged) parts.push(state === 'active' ? t('not dead') : stateText(state));
  return parts.join(' · ');
}

/** Returns what "0 of N" means: the rule of three; it says nothing of three samples or fewer. */
export function neverText({ sampleCount, activeSampleCount }: ActivityFacts): string | undefined {
  if (activeSampleCount > 0 || sampleCount <= 3) return undefined;
  const bound = formatNumber(3 / sampleCount, 'percent');
  return t(
    '0 of {0} means: active on less than {1} of such samples, at 95 % confidence.',
    formatNumber(sampleCount, 'count'),
    bound,
  );
}

/** Returns how long a measurement will take, as a button says it: `≈ 4 s`. */
export function roughly(durationMs: number): string {
  if (durationMs < 1000) return t('≈ {0}', t('1 s'));
  return t(
    '≈ {0}',
    formatDuration(durationMs < 59_500 ? Math.round(durationMs / 1000) * 1000 : durationMs).replace(
      '.0 s',
      ' s',
    ),
  );
}

/** Returns how much longer all samples take than some of them did. */
export function estimateRatio(sampleCount: number, sampleTotal: number): number {
  return sampleCount === 0 ? 1 : sampleTotal / sampleCount;
}

/** Returns where an estimate comes from. */
export function estimateText({ how }: MeasurementEstimate): string {
  switch (how.kind) {
    case 'neuron':
      return t('Estimated from {0}, measured on the same data.', how.address);
    case 'run':
      return t('Estimated from the run “{0}” over the same data.', how.title);
    case 'engine':
      return t('Estimated {0}.', how.text);
  }
}

/** Returns why a profile is stale, and what that means. */
export function staleText(reason: StaleReason, time: string): string {
  switch (reason) {
    case 'model':
      return t(
        'The model file changed since this was measured ({0}); the neuron may behave otherwise now.',
        time,
      );
    case 'data':
      return t('The data changed since this was measured ({0}).', time);
    case 'settings':
      return t('This was measured with other settings ({0}).', time);
  }
}

/** Returns the value of an example and where it is: `7.9 at 3, 4`. */
export function exampleValueText(value: ReportNumber, position: readonly number[] | undefined): string {
  const number = formatNumber(value);
  return position === undefined || position.length === 0
    ? number
    : t('{0} at {1}', number, position.join(', '));
}

/** Returns a sample's label as a person knows it; empty without one. */
export function labelText({ label, labelName }: Pick<UnitExample, 'label' | 'labelName'>): string {
  const shown = labelName ?? (label === undefined ? '' : String(label));
  // Beside the number of a sample, a bare number would be anything.
  return /^\d+$/.test(shown) ? t('label {0}', shown) : shown;
}

/** Returns a time of today as `10:42`, another with its date. */
export function timeText(createdAt: string, now = new Date()): string {
  const date = new Date(createdAt);
  if (Number.isNaN(date.getTime())) return createdAt;
  const { lang } = document.documentElement;
  const time = date.toLocaleTimeString(lang, { hour: '2-digit', minute: '2-digit' });
  if (date.toDateString() === now.toDateString()) return time;
  return `${date.toLocaleDateString(lang, { dateStyle: 'medium' })} ${time}`;
}
