import '@vscode-elements/elements/dist/vscode-option/index.js';
import '@vscode-elements/elements/dist/vscode-single-select/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import '@vscode-elements/elements/dist/vscode-toolbar-button/index.js';
import { html, nothing, type TemplateResult } from 'lit';
import { formatNumber, isNumeric } from '../../../src/protocol/formatReport.js';
import { t } from '../../text.js';
import type { TableData } from './tableData.js';
import { countStates } from './tableOrder.js';

/** What the tools above a table show and do. */
export interface TableTools {
  readonly label: string;
  readonly filter: string;
  /** The one state that is shown. */
  readonly pick: string | undefined;
  /** Rows that filter and pick leave. */
  readonly shownCount: number;
  readonly onFilter: (event: Event) => void;
  readonly onPick: (event: Event) => void;
  readonly onCopyTsv: () => void;
  readonly onCopyCsv: () => void;
}

/** Returns a table's filter, the choice of one state where it has several, how many rows are left, and ways to copy them. */
export function tableTools(table: TableData, tools: TableTools): TemplateResult {
  const numeric = table.columns.find(isNumeric);
  const example = numeric === undefined ? '' : t(', {0} > 0.5', numeric.label.toLowerCase());
  return html`<div class="tools">
    <vscode-textfield
      type="search"
      .label=${t('Filter {0}', tools.label)}
      placeholder=${t('Filter: words{0}', example)}
      .value=${tools.filter}
      @input=${tools.onFilter}
    ></vscode-textfield>
    ${statePick(table, tools)}
    <span class="count">${countText(table, tools.shownCount)}</span>
    <span class="copy">
      <vscode-toolbar-button
        title=${t('Copy these rows for a spreadsheet (tab-separated)')}
        @click=${tools.onCopyTsv}
        ><span>${t('Copy')}</span></vscode-toolbar-button
      >
      <vscode-toolbar-button title=${t('Copy these rows as comma-separated values')} @click=${tools.onCopyCsv}
        ><span>${t('Copy CSV')}</span></vscode-toolbar-button
      >
    </span>
  </div>`;
}

function statePick(table: TableData, { pick, onPick }: TableTools): TemplateResult | typeof nothing {
  const column = table.columns.find(({ kind }) => kind === 'state');
  const states = column === undefined ? [] : countStates(table.rows, column);
  if (states.length < 2) return nothing;
  const rowCount = formatNumber(table.rows.length, 'count');
  return html`<vscode-single-select label=${t('Show one state only')} .value=${pick ?? ''} @change=${onPick}>
    <vscode-option value="" ?selected=${pick === undefined}>${t('all states ({0})', rowCount)}</vscode-option>
    ${states.map(
      ([name, count]) =>
        html`<vscode-option value=${name} ?selected=${pick === name}
          >${name} (${formatNumber(count, 'count')})</vscode-option
        >`,
    )}
  </vscode-single-select>`;
}

function countText({ rows }: TableData, shownCount: number): string {
  const all = formatNumber(rows.length, 'count');
  return shownCount === rows.length
    ? t('{0} rows', all)
    : t('{0} of {1} rows', formatNumber(shownCount, 'count'), all);
}
