import { html, nothing, type TemplateResult } from 'lit';
import { formatEvidence } from '../../../src/protocol/formatReport.js';
import type { UnitHistogram } from '../../../src/protocol/units.js';
import '../../charts/ni-histogram.js';
import type { HistogramState } from '../../charts/ni-histogram.js';
import '../../components/ni-sparkline.js';
import { t } from '../../text.js';
import type { NeuronContent } from './neuronContent.js';
import type { NeuronLook } from './ni-neuron-page.js';

/** What the distributions are drawn with. */
export interface DistributionOptions {
  readonly look: NeuronLook;
  readonly setHistogram: (name: string, state: HistogramState) => void;
}

/** Returns how the neuron's outputs are spread, before and after its activation; nothing while that is not known. */
export function distributionPart(
  { shown, facts }: NeuronContent,
  options: DistributionOptions,
): TemplateResult | typeof nothing {
  if (shown === null) {
    if (facts?.histogram === undefined) return nothing;
    return html`<section class="distribution">
      <h2>${t('Distribution')}</h2>
      <ni-sparkline
        class="large"
        .counts=${facts.histogram}
        .label=${t('Counts of the outputs of {0} between equal edges', facts.address)}
      ></ni-sparkline>
      <p class="evidence">${t('Counts of its outputs from the smallest to the largest, from the report.')}</p>
    </section>`;
  }
  const { histogram, before, measuredAt } = shown.profile;
  return html`<section class="distribution">
    <h2>${t('Distribution')}</h2>
    ${drawn('outputs', { histogram, xTitle: t('output'), label: t('Outputs of {0}', measuredAt) }, options)}
    ${
      before === undefined
        ? nothing
        : html`<h3>${t('Before the activation')}</h3>
            ${drawn('before', { histogram: before.histogram, xTitle: t('input of the activation'), label: t('What enters the activation of {0}', measuredAt) }, options)}`
    }
  </section>`;
}

interface Drawn {
  readonly histogram: UnitHistogram;
  readonly xTitle: string;
  readonly label: string;
}

function drawn(
  name: string,
  { histogram, xTitle, label }: Drawn,
  { look, setHistogram }: DistributionOptions,
): TemplateResult {
  return html`<ni-histogram
      .edges=${histogram.edges}
      .counts=${histogram.counts}
      .xTitle=${xTitle}
      .yTitle=${t('outputs')}
      .label=${label}
      .saved=${look.histograms[name] ?? { isTable: false }}
      zero
      @ni-histogram-state=${(event: CustomEvent<HistogramState>) => {
        setHistogram(name, event.detail);
      }}
    ></ni-histogram>
    <p class="evidence">${formatEvidence(histogram.evidence)}</p>`;
}
