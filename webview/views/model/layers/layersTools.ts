import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import '@vscode-elements/elements/dist/vscode-toolbar-button/index.js';
import { html, nothing, type TemplateResult } from 'lit';
import { formatNumber } from '../../../../src/protocol/formatReport.js';
import { t } from '../../../text.js';

/** What the tools above the layers show and do. */
export interface LayersTools {
  readonly search: string;
  readonly layerCount: number;
  readonly foundCount: number;
  /** Whether the order is another than the file's, or scopes can be folded, and whether some are. */
  readonly folding: 'sorted' | 'none' | 'folded' | 'unfolded';
  readonly onSearch: (event: Event) => void;
  readonly onSearchKey: (event: KeyboardEvent) => void;
  readonly clearSort: () => void;
  readonly expandAll: () => void;
  readonly collapseAll: () => void;
}

/** Returns the search field, how many lines are found, and the way back to file order or what folds all scopes. */
export function layersTools(tools: LayersTools): TemplateResult {
  return html`<div class="tools">
    <vscode-textfield
      type="search"
      .label=${t('Search layers')}
      placeholder=${t('Search: name, kind, shape, state')}
      .value=${tools.search}
      @input=${tools.onSearch}
      @keydown=${tools.onSearchKey}
    ></vscode-textfield>
    <span class="count" role="status">${countText(tools)}</span>
    <span class="end">${foldingButton(tools)}</span>
  </div>`;
}

function countText({ search, layerCount, foundCount }: LayersTools): string {
  const all = formatNumber(layerCount, 'count');
  if (search.trim() !== '') return t('{0} of {1}', formatNumber(foundCount, 'count'), all);
  return all === '1' ? t('1 line') : t('{0} lines', all);
}

function foldingButton(tools: LayersTools): TemplateResult | typeof nothing {
  switch (tools.folding) {
    case 'none':
      return nothing;
    case 'sorted':
      return button('list-tree', t('File order'), tools.clearSort);
    case 'folded':
      return button('expand-all', t('Expand all'), tools.expandAll);
    case 'unfolded':
      return button('collapse-all', t('Collapse all'), tools.collapseAll);
  }
}

function button(icon: string, text: string, onClick: () => void): TemplateResult {
  return html`<vscode-toolbar-button icon=${icon} @click=${onClick}
    ><span>${text}</span></vscode-toolbar-button
  >`;
}
