import { html, nothing, type TemplateResult } from 'lit';
import { formatNumber } from '../../../src/protocol/formatReport.js';
import { t } from '../../text.js';

/** The tabs of a model's page, in order. */
export const modelTabs = ['layers', 'graph', 'operators', 'weights', 'metadata'] as const;

/** A tab of a model's page. */
export type ModelTab = (typeof modelTabs)[number];

/** Returns the row of tabs: arrow keys go between them, as in the editor's panels. */
export function tabBar(
  chosen: ModelTab,
  counts: Partial<Record<ModelTab, number>>,
  choose: (tab: ModelTab) => void,
): TemplateResult {
  const onKeyDown = (event: KeyboardEvent): void => {
    const to = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const edge = { Home: modelTabs[0], End: modelTabs.at(-1) }[event.key];
    const at = modelTabs.indexOf(chosen);
    const next = edge ?? (to === undefined ? undefined : modelTabs.at((at + to) % modelTabs.length));
    if (next === undefined) return;
    event.preventDefault();
    choose(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return html`<div
    class="model-tabs"
    role="tablist"
    aria-label=${t('Parts of the model')}
    @keydown=${onKeyDown}
  >
    ${modelTabs.map((tab) => {
      const count = counts[tab];
      return html`<button
        id="tab-${tab}"
        role="tab"
        aria-selected=${String(tab === chosen)}
        aria-controls="panel-${tab}"
        tabindex=${tab === chosen ? 0 : -1}
        @click=${() => {
          choose(tab);
        }}
      >
        ${tabLabel(tab)}
        ${count === undefined ? nothing : html`<span class="count">${formatNumber(count, 'count')}</span>`}
      </button>`;
    })}
  </div>`;
}

function tabLabel(tab: ModelTab): string {
  switch (tab) {
    case 'layers':
      return t('Layers');
    case 'graph':
      return t('Graph');
    case 'operators':
      return t('Operators');
    case 'weights':
      return t('Weights');
    case 'metadata':
      return t('Metadata');
  }
}
