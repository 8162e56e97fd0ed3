import '@vscode-elements/elements/dist/vscode-option/index.js';
import '@vscode-elements/elements/dist/vscode-single-select/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import '@vscode-elements/elements/dist/vscode-toolbar-button/index.js';
import { html, nothing, type TemplateResult } from 'lit';
import { formatNumber } from '../../../../src/protocol/formatReport.js';
import type { LayerMetric } from '../../../../src/protocol/views/modelMessages.js';
import '../../../components/ni-color-scale.js';
import { valueOf } from '../../../components/table/tableEvents.js';
import { t } from '../../../text.js';
import { heatScale } from './layerHeat.js';

/** What the tools above a graph show and do. */
export interface GraphToolsContext {
  readonly search: string;
  readonly resultCount: number;
  /** Place of the current result; −1 when none is. */
  readonly current: number;
  readonly metrics: readonly LayerMetric[];
  readonly metric: LayerMetric | undefined;
  readonly canOpenAll: boolean;
  readonly isAllClosed: boolean;
  readonly onSearch: (text: string) => void;
  readonly onResult: (by: 1 | -1) => void;
  readonly onMetric: (id: string | undefined) => void;
  readonly onView: (what: 'open-all' | 'close-all' | 'fit' | 'larger' | 'smaller') => void;
}

/** Returns the tools above a graph: search, colours, and what the drawing shows. */
export function graphTools(context: GraphToolsContext): TemplateResult {
  return html`<div class="tools">${searchTools(context)} ${metricTools(context)} ${viewTools(context)}</div>`;
}

function searchTools({
  search,
  resultCount,
  current,
  onSearch,
  onResult,
}: GraphToolsContext): TemplateResult {
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' && event.key !== 'F3') return;
    event.preventDefault();
    onResult(event.shiftKey ? -1 : 1);
  };
  const count = formatNumber(resultCount, 'count');
  const place =
    current < 0 ? t('{0} found', count) : t('{0} of {1}', formatNumber(current + 1, 'count'), count);
  return html`<vscode-textfield
      type="search"
      .label=${t('Search the graph')}
      placeholder=${t('Search: name, op:Conv, attr:strides, shape:64x28')}
      .value=${search}
      @input=${(event: Event) => {
        onSearch(valueOf(event));
      }}
      @keydown=${onKeyDown}
    ></vscode-textfield>
    ${
      search.trim() === ''
        ? nothing
        : html`<span class="count" role="status">${place}</span> ${iconButton(
              'arrow-up',
              t('Previous result (Shift+Enter)'),
              () => {
                onResult(-1);
              },
            )}
            ${iconButton('arrow-down', t('Next result (Enter)'), () => {
              onResult(1);
            })}`
    }`;
}

function metricTools({ metrics, metric, onMetric }: GraphToolsContext): TemplateResult | typeof nothing {
  if (metrics.length === 0) return nothing;
  const chosen = metric?.id ?? '';
  return html`<vscode-single-select
      class="metric"
      label=${t('Colour layers by')}
      .value=${chosen}
      @change=${(event: Event) => {
        const id = valueOf(event);
        onMetric(id === '' ? undefined : id);
      }}
    >
      <vscode-option value="" ?selected=${chosen === ''}>${t('Colour: none')}</vscode-option>
      ${metrics.map(
        ({ id, label }) =>
          html`<vscode-option value=${id} ?selected=${chosen === id}>${label}</vscode-option>`,
      )}
    </vscode-single-select>
    ${metric === undefined ? nothing : legend(metric)}`;
}

function legend(metric: LayerMetric): TemplateResult {
  const { limit, scale } = heatScale(metric);
  const isPercent = metric.format === 'percent';
  return html`<ni-color-scale
    scale=${scale}
    .limit=${isPercent ? limit * 100 : limit}
    .unit=${isPercent ? '%' : metric.unit}
  ></ni-color-scale>`;
}

function viewTools({ canOpenAll, isAllClosed, onView }: GraphToolsContext): TemplateResult {
  return html`<span class="end">
    ${
      isAllClosed && canOpenAll
        ? iconButton('expand-all', t('Open all modules'), () => {
            onView('open-all');
          })
        : iconButton(
            'collapse-all',
            t('Close all modules'),
            () => {
              onView('close-all');
            },
            isAllClosed,
          )
    }
    ${iconButton('zoom-out', t('Smaller (−)'), () => {
      onView('smaller');
    })}
    ${iconButton('zoom-in', t('Larger (+)'), () => {
      onView('larger');
    })}
    ${iconButton('screen-full', t('Show all of it (0)'), () => {
      onView('fit');
    })}
  </span>`;
}

function iconButton(icon: string, label: string, act: () => void, isDisabled = false): TemplateResult {
  return html`<vscode-toolbar-button
    icon=${icon}
    label=${label}
    title=${label}
    ?disabled=${isDisabled}
    @click=${act}
  ></vscode-toolbar-button>`;
}
