import { html, nothing, type TemplateResult } from 'lit';
import type { Report } from '../../../src/protocol/report.js';
import { arrayTable, reportFacts } from '../../../src/protocol/reportLayout.js';
import type { BlockContext } from '../../blocks/blockElement.js';
import '../../blocks/ni-metrics-block.js';
import '../../components/ni-table.js';
import type { TableState } from '../../components/table/tableData.js';
import { t } from '../../text.js';
import { fold } from './blockSection.js';

/** Returns what a report was made of, folded: settings, data, seed, provider, times, all numbers, arrays. */
export function howComputed(report: Report, context: BlockContext): TemplateResult {
  const arrays = arrayTable(report);
  return fold(
    t('How it was computed'),
    html`<dl class="facts">
        ${reportFacts(report).map(
          ([name, value]) =>
            html`<dt>${name}</dt>
              <dd>${value}</dd>`,
        )}
      </dl>
      ${Object.keys(report.metrics).length === 0 ? nothing : allMetrics(context)}
      ${
        arrays === undefined
          ? nothing
          : html`<h3>${t('Raw results')}</h3>
              <ni-table
                .label=${t('Raw results')}
                .table=${arrays}
                .saved=${context.state.read('arrays')}
                @ni-table-state=${(event: CustomEvent<TableState>) => {
                  context.state.set('arrays', event.detail);
                }}
              ></ni-table>`
      }`,
    context.state,
  );
}

/** A metrics block without items shows every metric, also those that no block picked. */
function allMetrics(context: BlockContext): TemplateResult {
  return html`<h3>${t('All numbers')}</h3>
    <ni-metrics-block .block=${{ type: 'metrics', items: [] }} .context=${context}></ni-metrics-block>`;
}
