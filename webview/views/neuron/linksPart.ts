import { html, nothing, type TemplateResult } from 'lit';
import { formatNumber } from '../../../src/protocol/formatReport.js';
import type { UnitLinks, UnitTargets } from '../../../src/protocol/units.js';
import type { LinksState } from '../../../src/protocol/views/neuronMessages.js';
import { t } from '../../text.js';
import './ni-weight-rows.js';

/** Returns where the neuron leads and which are like it, by weights; nothing until that is read. */
export function linksPart(state: LinksState): TemplateResult | typeof nothing {
  if (state.kind === 'reading') return nothing;
  return html`<section class="links">
    <h2>${t('Weights out')}</h2>
    ${state.kind === 'none' ? html`<p class="muted">${state.reason}</p>` : targetsPart(state.links)}
    ${state.kind === 'none' ? nothing : similarPart(state.links)}
  </section>`;
}

function targetsPart(links: UnitLinks): TemplateResult {
  const { targets, outputs, ends, moreReaderCount } = links;
  return html`
    ${targets.map(targetTable)}
    ${
      moreReaderCount === 0
        ? nothing
        : html`<p class="muted">${t('{0} more layers read it.', formatNumber(moreReaderCount, 'count'))}</p>`
    }
    ${targets.length > 0 || outputs.length > 0 || ends.length > 0 ? nothing : html`<p class="muted">${t('Nothing reads it.')}</p>`}
    ${outputs.length === 0 ? nothing : html`<p class="muted">${t('It is part of an output of the model: {0}.', outputs.join(', '))}</p>`}
    ${
      ends.length === 0
        ? nothing
        : html`<p class="muted">
            ${
              targets.length === 0
                ? t('No weights of its own read it: it is taken by {0}.', ends.join(', '))
                : t('It is also taken by {0}, where it has no weights of its own.', ends.join(', '))
            }
          </p>`
    }
  `;
}

function targetTable({ layer, through, unitCount, weightsEach, strongest }: UnitTargets): TemplateResult {
  const way = through.length === 0 ? '' : t('through {0}', through.join(', '));
  const counted =
    strongest.length < unitCount
      ? t('strongest {0} of {1}', strongest.length, formatNumber(unitCount, 'count'))
      : t('all {0}', formatNumber(unitCount, 'count'));
  return html`<h3>
      ${layer} <span class="muted">${[counted, ...(way === '' ? [] : [way])].join(' · ')}</span>
    </h3>
    <ni-weight-rows
      .rows=${strongest}
      .fromLabel=${t('To')}
      .valueLabel=${weightsEach === 1 ? t('Weight') : t('Norm, signed')}
    ></ni-weight-rows>`;
}

function similarPart({ similar, whyNoSimilar }: UnitLinks): TemplateResult {
  const rows = similar.map(({ address, cosine }) => ({ from: address, address, value: cosine }));
  return html`<h2 class="similar">${t('Similar by weights')}</h2>
    ${
      whyNoSimilar === null
        ? rows.length === 0
          ? html`<p class="muted">${t('It is the only unit of its layer.')}</p>`
          : html`<ni-weight-rows
              .rows=${rows.slice(0, 10)}
              .fromLabel=${t('Neuron')}
              .valueLabel=${t('Cosine of weights in')}
            ></ni-weight-rows>`
        : html`<p class="muted">${whyNoSimilar}</p>`
    }`;
}
