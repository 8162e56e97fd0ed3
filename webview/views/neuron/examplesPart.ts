import { html, nothing, type TemplateResult } from 'lit';
import { formatNumber } from '../../../src/protocol/formatReport.js';
import type { ShownProfile } from '../../../src/protocol/views/neuronMessages.js';
import { t } from '../../text.js';
import { type Example, type MapLook, mapLookOf } from './exampleTile.js';
import type { NeuronContent } from './neuronContent.js';
import { stateText } from './neuronWords.js';
import './ni-examples.js';
import type { NeuronLook } from './ni-neuron-page.js';

/** What examples are drawn with. */
export interface ExamplesOptions {
  readonly look: NeuronLook;
  readonly setOpacity: (opacity: number) => void;
}

/** Returns the samples that excite the neuron most, and some drawn at random; nothing while none are known. */
export function examplesPart(
  content: NeuronContent,
  options: ExamplesOptions,
): TemplateResult | typeof nothing {
  const { shown, facts } = content;
  if (shown === null) {
    return facts === null || facts.examples.length === 0 ? nothing : fromReport(facts.examples, options);
  }
  // What is known so far has no examples, which does not mean that there are none.
  if (shown.isPartial) return nothing;
  const { topExamples, randomExamples, seed } = shown.profile;
  const look = mapLookOf([...topExamples, ...randomExamples], options.look.opacity);
  const hasTop = topExamples.length > 0;
  const top = hasTop
    ? list(topExamples, { label: topLabel(), look, options, hasLegend: true })
    : html`<p class="muted">${noExamplesText(shown)}</p>`;
  const random = list(randomExamples, {
    label: t('Samples drawn at random, in the order of the data'),
    look,
    options,
    hasLegend: !hasTop,
  });
  return html`<div class="examples">
    <section>
      <h2>${hasTop ? t('Top {0} examples', topExamples.length) : t('Top examples')}</h2>
      ${top}
    </section>
    ${
      randomExamples.length === 0
        ? nothing
        : html`<section>
            <h2>
              ${t('{0} random examples', randomExamples.length)}
              <span class="muted">${t('seed {0}', seed)}</span>
            </h2>
            ${random}
          </section>`
    }
  </div>`;
}

interface ListOptions {
  readonly label: string;
  readonly look: MapLook;
  readonly options: ExamplesOptions;
  readonly hasLegend: boolean;
}

function list(
  examples: readonly Example[],
  { label, look, options, hasLegend }: ListOptions,
): TemplateResult {
  return html`<ni-examples
    ?legend=${hasLegend}
    .examples=${examples}
    .look=${look}
    .label=${label}
    @ni-opacity=${(event: CustomEvent<number>) => {
      options.setOpacity(event.detail);
    }}
  ></ni-examples>`;
}

function topLabel(): string {
  return t('Samples with the largest outputs, largest first');
}

function fromReport(examples: readonly Example[], options: ExamplesOptions): TemplateResult {
  const look = mapLookOf(examples, options.look.opacity);
  return html`<div class="examples">
    <section>
      <h2>${t('Top examples')} <span class="muted">${t('from the report')}</span></h2>
      ${list(examples, { label: topLabel(), look, options, hasLegend: false })}
    </section>
  </div>`;
}

/** Why there are none: not a gap, but what was found. */
function noExamplesText({ profile }: ShownProfile): string {
  const { state, activeSampleCount, sampleCount } = profile;
  const samples = formatNumber(sampleCount, 'count');
  return activeSampleCount === 0
    ? t('None of the {0} samples makes it fire, so no sample excites it most.', samples)
    : t('None were kept ({0}).', stateText(state));
}
