import { html, nothing, type TemplateResult } from 'lit';
import { formatEvidence, formatNumber } from '../../../src/protocol/formatReport.js';
import type { UnitProfile } from '../../../src/protocol/units.js';
import type {
  KnownFacts,
  NeuronPlace,
  NeuronTell,
  ShownProfile,
} from '../../../src/protocol/views/neuronMessages.js';
import '../../components/ni-note.js';
import { stateLook } from '../../components/stateLook.js';
import { t } from '../../text.js';
import type { NeuronContent } from './neuronContent.js';
import {
  type ActivityFacts,
  activityText,
  estimateRatio,
  neverText,
  roughly,
  staleText,
  stateText,
  timeText,
} from './neuronWords.js';

type Act = (tell: NeuronTell) => void;

/** What is known of a neuron's activity, measured or from a report, and where it was measured. */
interface Known extends ActivityFacts {
  readonly measuredAt: string;
  readonly stateMeaning: string;
}

/** Returns whether the samples are pictures, as far as the page knows. */
export function areImages({ facts, shown }: NeuronContent): boolean {
  const { topExamples = [], randomExamples = [] } = shown?.profile ?? {};
  const example = topExamples[0] ?? randomExamples[0];
  return example === undefined ? (facts?.areImages ?? false) : example.picture !== undefined;
}

/** Returns what is known of the neuron in a sentence: of a measurement, else of the newest report; empty when nothing is. */
export function sentenceOf(content: NeuronContent): string {
  const known = knownOf(content);
  return known === undefined ? '' : activityText(known, areImages(content));
}

/** Returns the sentence about the neuron, its state with its meaning, and what both rest on. */
export function summaryPart(content: NeuronContent, place: NeuronPlace, act: Act): TemplateResult {
  const { shown, facts } = content;
  const known = knownOf(content);
  return html`
    ${known === undefined ? nothing : html`<p class="sentence">${sentenceOf(content)}</p>`}
    <p class="state-line">${stateLine(known, place, act)}</p>
    ${shown === null ? nothing : html`<p class="evidence">${profileEvidence(content, shown, act)}</p>`}
    ${facts === null ? nothing : html`<p class="evidence">${factsEvidence(facts, { isFirst: shown === null, act })}</p>`}
    <div class="notes">${notes(content, place)}</div>
  `;
}

function knownOf({ shown, facts }: NeuronContent): Known | undefined {
  if (shown !== null) return shown.profile;
  return facts === null ? undefined : { ...facts, measuredAt: facts.address };
}

function stateLine(known: Known | undefined, place: NeuronPlace, act: Act): TemplateResult | typeof nothing {
  const { states } = place;
  if (states.kind === 'not-judged' && (known === undefined || known.state === 'not-judged')) {
    const { reason, next } = states;
    return html`${t('No state is judged: {0}.', reason)}
    ${next === null ? nothing : html`${t('The next activation is')} ${link(next, act)}.`}`;
  }
  if (known === undefined) {
    if (states.kind !== 'activation' || states.address === place.address) return nothing;
    return html`${t('Its state is that of')} ${link(states.address, act)}.`;
  }
  const { level, glyph } = stateLook(known.state);
  return html`<span class="state ${level}"
      ><span aria-hidden="true">${glyph}</span> ${stateText(known.state)}</span
    >
    ${known.stateMeaning} ${neverText(known) ?? nothing} ${shortOfFiring(known)}
    ${known.measuredAt === place.address ? nothing : html`${t('Measured at')} ${link(known.measuredAt, act)}.`}`;
}

/** How far a neuron that never fires is from firing: what a person wants to know first of a dead one. */
function shortOfFiring(known: Known & { readonly before?: UnitProfile['before'] }): string | typeof nothing {
  const highest = Number(known.before?.maximum);
  if (known.state !== 'dead' || !(highest <= 0)) return nothing;
  return t('What enters its activation never exceeds {0}.', formatNumber(highest));
}

function profileEvidence(content: NeuronContent, shown: ShownProfile, act: Act): TemplateResult {
  const { profile, isPartial, createdAt, dataName } = shown;
  if (isPartial) {
    const counted = formatNumber(profile.sampleCount, 'count');
    return html`${t('So far: {0} of {1} samples of {2}', counted, formatNumber(profile.sampleTotal, 'count'), dataName)}`;
  }
  const facts = [
    formatEvidence(profile.evidence),
    t('mean {0}', formatNumber(profile.mean)),
    t('standard deviation {0}', formatNumber(profile.standardDeviation)),
    aboveText(profile),
    dataName,
    profile.provider,
    timeText(createdAt),
  ];
  return html`${facts.join(' · ')}
  ${content.measurement.kind === 'done' ? againButton(profile, act) : nothing}`;
}

function aboveText({ activeFraction, elementCount }: UnitProfile): string {
  return activeFraction === 0
    ? t('0 of {0} outputs above 0', formatNumber(elementCount, 'count'))
    : t('{0} of outputs above 0', formatNumber(activeFraction, 'percent'));
}

function againButton(profile: UnitProfile, act: Act): TemplateResult {
  const { address, sampleCount, sampleTotal, durationMs } = profile;
  const isWhole = sampleCount >= sampleTotal;
  const all = formatNumber(sampleTotal, 'count');
  const label = isWhole
    ? t('Compute again')
    : t('Compute on all {0} ({1})', all, roughly(durationMs * estimateRatio(sampleCount, sampleTotal)));
  return html`<button
    class="text again"
    @click=${() => {
      act({ kind: 'measure', address });
    }}
  >
    ${label}
  </button>`;
}

function factsEvidence(
  facts: KnownFacts,
  { isFirst, act }: { readonly isFirst: boolean; readonly act: Act },
): TemplateResult {
  const { state, sampleCount, createdAt, dataName, resultId } = facts;
  const parts = [
    ...(isFirst ? [] : [stateText(state)]),
    t('{0} samples', formatNumber(sampleCount, 'count')),
    ...(dataName === null ? [] : [dataName]),
    timeText(createdAt),
    ...(facts.isStale ? [t('the model changed since')] : []),
  ];
  return html`${isFirst ? t('From a report:') : t('In a report:')} ${parts.join(' · ')} ·
    <button
      class="text"
      @click=${() => {
        act({ kind: 'open-result', resultId });
      }}
    >
      ${t('Open report')}
    </button>`;
}

function notes({ shown }: NeuronContent, place: NeuronPlace): TemplateResult[] {
  const { leftOutPosition } = place;
  const texts = [
    ...(leftOutPosition === null
      ? []
      : [{ severity: 'info', text: t('The page is of all positions; {0} was left out.', leftOutPosition) }]),
    ...(shown === null || shown.stale === null
      ? []
      : [{ severity: 'warning', text: staleText(shown.stale, timeText(shown.createdAt)) }]),
    ...(shown?.profile.warnings ?? []).map((text) => ({ severity: 'warning', text })),
  ];
  return texts.map(({ severity, text }) => html`<ni-note severity=${severity}>${text}</ni-note>`);
}

function link(address: string, act: Act): TemplateResult {
  return html`<button
    class="text address"
    @click=${() => {
      act({ kind: 'open-address', address });
    }}
  >
    ${address}
  </button>`;
}
