import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { DirectiveResult } from 'lit/directive.js';
import { customElement, property, query, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { applyStyle } from '../applyStyle.js';
import type { TableColumn } from '../../src/protocol/blocks.js';
import { formatNumber } from '../../src/protocol/formatReport.js';
import { followLink } from '../links.js';
import { t } from '../text.js';
import { baseStyles } from './baseStyles.js';
import { columnTracks } from './table/columnWidths.js';
import { headerCell } from './table/headerCell.js';
import { textMeasure } from './table/measureText.js';
import { type GridPlace, moveFocus } from './table/moveFocus.js';
import { drawnRows, rowHeightIn } from './table/rowsInView.js';
import { tableCell } from './table/tableCell.js';
import { type TableData, type TableRow, type TableSort, type TableState } from './table/tableData.js';
import { addressIn, partFileIn, placeOf, valueOf } from './table/tableEvents.js';
import { searchTexts } from './table/tableFilter.js';
import { nextSort, orderRows } from './table/tableOrder.js';
import { tableStyles } from './table/tableStyles.js';
import { tableCsv, tableTsv } from './table/tableText.js';
import { tableTools } from './table/tableTools.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-table': NiTable;
  }
  interface HTMLElementEventMap {
    'ni-table-state': CustomEvent<TableState>;
    'ni-table-row': CustomEvent<{
      readonly index: number;
      readonly row: TableRow;
      /** Where the cell is drawn in the window. */
      readonly anchor: DOMRect;
    }>;
  }
}

/** Tables with fewer rows are seen at a glance: a filter would only be in the way. */
const fewestFilteredRows = 8;

/**
 * A table of the kinds of columns that reports have: sorted, filtered, copied, reached by keyboard; draws only the rows in
 * view, so that 100,000 scroll as ten do (up to about 700,000, where browsers end the height of an element).
 *
 * @tag ni-table
 *
 * @prop table - Columns and rows; a new value keeps sort, filter, scroll and focus.
 * @prop {string} label - Accessible name.
 * @prop {number} omittedRowCount - Rows that exist and are not here.
 * @prop saved - How it was left; read once, before the first drawing.
 * @attr {boolean} pickable - Rows lead somewhere when they are clicked.
 * @prop partFiles - Files of other reports by the name that cells of a column with links to them have.
 * @prop markedRow - Place in `table.rows` of the row that was picked.
 * @attr {boolean} fill - Takes the height of its container instead of growing with its rows to a limit.
 *
 * @cssprop [--ni-table-height=464px] - Height at which it scrolls by itself.
 *
 * @fires ni-table-state - Sort, filter or scroll changed: keep `detail`, give it back as `saved`.
 * @fires ni-table-row - A row was clicked, or Enter pressed in it: its place in `table.rows` and the row.
 * @fires ni-link - An address was followed.
 */
@customElement('ni-table')
export class NiTable extends LitElement {
  static override readonly styles = [baseStyles, tableStyles];

  @property({ attribute: false }) table: TableData = { columns: [], rows: [] };
  @property() label = '';
  @property({ type: Number }) omittedRowCount = 0;
  @property({ attribute: false }) saved: TableState | undefined;
  @property({ type: Boolean, reflect: true }) fill = false;
  @property({ type: Boolean, reflect: true }) pickable = false;
  @property({ attribute: false }) markedRow: number | undefined;
  @property({ attribute: false }) partFiles: ReadonlyMap<string, string> = new Map();

  @state() private sort: TableSort | undefined;
  @state() private filter = '';
  @state() private pick: string | undefined;
  @state() private place: GridPlace = { row: -1, column: 0 };
  @state() private hasFocus = false;
  @state() private scrolled = 0;
  @state() private viewHeight = 0;
  @state() private rowHeight = 22;
  @state() private announcement = '';

  @query('.grid') private readonly grid!: HTMLElement;

  private order: readonly number[] = [];
  private tracks = '';
  private texts: readonly string[] | undefined;

  private isRestored = false;
  private readonly resized = new ResizeObserver(() => {
    this.measure();
  });

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.resized.disconnect();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.resized.observe(this.grid);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!this.hasUpdated && this.saved !== undefined) {
      this.sort = this.saved.sort;
      this.filter = this.saved.filter ?? '';
      this.pick = this.saved.pick;
    }
    if (changed.has('table')) {
      this.tracks = columnTracks(this.table, textMeasure(this));
      this.texts = undefined;
    }
    const orders: readonly string[] = ['table', 'sort', 'filter', 'pick'];
    if (orders.some((name) => (changed as PropertyValues).has(name))) this.orderRows();
  }

  protected override firstUpdated(): void {
    this.resized.observe(this.grid);
    this.measure();
  }

  protected override updated(): void {
    if (this.isRestored || this.order.length === 0 || this.viewHeight === 0) return;
    this.isRestored = true;
    if (this.saved?.scrollTop !== undefined) this.grid.scrollTop = this.saved.scrollTop;
  }

  protected override render(): TemplateResult {
    const more = formatNumber(this.omittedRowCount, 'count');
    return html`
      ${this.table.rows.length >= fewestFilteredRows ? this.renderTools() : nothing} ${this.renderGrid()}
      ${
        this.omittedRowCount > 0
          ? html`<p class="more">${t('… {0} more that the report leaves out', more)}</p>`
          : nothing
      }
      <div class="hidden-text" role="status">${this.announcement}</div>
    `;
  }

  private renderGrid(): TemplateResult {
    const { columns } = this.table;
    const bodyHeight = `${String(this.order.length * this.rowHeight)}px`;
    return html`<div
      class="grid"
      role="grid"
      aria-label=${this.label}
      aria-rowcount=${this.order.length + 1}
      aria-colcount=${columns.length}
      ${applyStyle({ '--row': `${String(this.rowHeight)}px` })}
      @scroll=${this.onScroll}
      @click=${this.onClick}
      @keydown=${this.onKeyDown}
      @focusin=${this.onFocusIn}
      @focusout=${this.onFocusOut}
    >
      <div class="sheet" role="presentation">
        <div class="head" role="rowgroup">
          <div class="row" role="row" aria-rowindex="1" data-row="-1" ${this.rowStyle()}>
            ${columns.map((column, index) =>
              headerCell(column, index, {
                sort: this.sort,
                tabIndex: this.tabIndexOf({ row: -1, column: index }),
              }),
            )}
          </div>
        </div>
        <div class="body" role="rowgroup" ${applyStyle({ height: bodyHeight })}>
          ${repeat(
            this.drawnRows(),
            (row) => row,
            (row) => this.renderRow(row),
          )}
        </div>
      </div>
      ${this.order.length === 0 ? this.renderNothing() : nothing}
    </div>`;
  }

  private renderTools(): TemplateResult {
    return tableTools(this.table, {
      label: this.label,
      filter: this.filter,
      pick: this.pick,
      shownCount: this.order.length,
      onFilter: this.onFilter,
      onPick: this.onPick,
      onCopyTsv: this.onCopyTsv,
      onCopyCsv: this.onCopyCsv,
    });
  }

  private renderRow(row: number): TemplateResult | typeof nothing {
    const cells = this.table.rows[this.order[row] ?? -1];
    if (cells === undefined) return nothing;
    return html`<div
      class="row ${this.hasFocus && this.place.row === row ? 'current' : ''} ${
        this.markedRow !== undefined && this.order[row] === this.markedRow ? 'marked' : ''
      }"
      role="row"
      aria-rowindex=${row + 2}
      data-row=${row}
      ${this.rowStyle(row)}
    >
      ${this.table.columns.map((column, index) =>
        tableCell(cells[column.key], column, {
          column: index,
          tabIndex: this.tabIndexOf({ row, column: index }),
          file: column.links === undefined ? undefined : this.partFiles.get(String(cells[column.key] ?? '')),
        }),
      )}
    </div>`;
  }

  private renderNothing(): TemplateResult {
    if (this.table.rows.length === 0) return html`<p class="nothing">${t('No rows.')}</p>`;
    return html`<p class="nothing">
      ${t('No row matches.')}
      <button class="text" @click=${this.clearFilter}>${t('Show all rows')}</button>
    </p>`;
  }

  private rowStyle(row?: number): DirectiveResult {
    return applyStyle({
      'grid-template-columns': this.tracks,
      ...(row === undefined ? {} : { transform: `translateY(${String(row * this.rowHeight)}px)` }),
    });
  }

  private drawnRows(): number[] {
    const { scrolled, viewHeight: height, rowHeight, order, place } = this;
    return drawnRows({ scrolled, height, rowHeight, rowCount: order.length, focusedRow: place.row });
  }

  private orderRows(): void {
    const { filter, pick, sort } = this;
    this.texts ??= searchTexts(this.table);
    this.order = orderRows(this.table, { filter, pick, sort }, this.texts);
    if (this.place.row >= this.order.length) this.place = { ...this.place, row: this.order.length - 1 };
  }

  private tabIndexOf({ row, column }: GridPlace): 0 | -1 {
    return this.place.row === row && this.place.column === column ? 0 : -1;
  }

  private measure(): void {
    this.rowHeight = rowHeightIn(this);
    const head = this.grid.querySelector<HTMLElement>('.head');
    this.viewHeight = Math.max(0, this.grid.clientHeight - (head?.offsetHeight ?? 0));
  }

  private readonly onScroll = (): void => {
    this.scrolled = this.grid.scrollTop;
    this.tellState();
  };

  private readonly onFocusIn = (event: Event): void => {
    this.hasFocus = true;
    // However focus came here, the keyboard goes on from there.
    this.place = placeOf(event.target) ?? this.place;
  };

  private readonly onFocusOut = (): void => {
    this.hasFocus = false;
  };

  private readonly onFilter = (event: Event): void => {
    this.filter = valueOf(event);
    this.afterReorder();
  };

  private readonly onPick = (event: Event): void => {
    const value = valueOf(event);
    this.pick = value === '' ? undefined : value;
    this.afterReorder();
  };

  private readonly clearFilter = (): void => {
    this.filter = '';
    this.pick = undefined;
    this.afterReorder();
  };

  private readonly onClick = (event: Event): void => {
    const place = placeOf(event.target);
    if (place === undefined) return;
    this.place = place;
    this.act(event, place);
  };

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    const isCopy = event.key.toLowerCase() === 'c' && (event.ctrlKey || event.metaKey);
    const pageSize = Math.max(1, Math.floor(this.viewHeight / this.rowHeight) - 1);
    const size = { rowCount: this.order.length, columnCount: this.table.columns.length, pageSize };
    const to = moveFocus(this.place, event, size);
    if (to !== undefined) {
      event.preventDefault();
      void this.focusPlace(to);
    } else if (event.key === 'Enter' || event.key === ' ') {
      this.act(event, this.place);
    } else if (isCopy && (getSelection()?.isCollapsed ?? true)) {
      this.copyCell();
    }
  };

  /** What a click or Enter on a cell does: headers sort, addresses lead to their neuron, anything else picks the row. */
  private act(event: Event, { row, column: index }: GridPlace): void {
    const column = this.table.columns[index];
    if (column === undefined) return;
    event.preventDefault();
    if (row < 0) {
      this.sortBy(column);
      return;
    }
    const place = this.order[row] ?? -1;
    const cells = this.table.rows[place];
    if (cells === undefined) return;
    const address = addressIn(event.target);
    const file = partFileIn(event.target);
    if (file !== undefined) {
      followLink(this, { kind: 'open-part', file });
    } else if (address === undefined) {
      const anchor = (this.cellAt({ row, column: index }) ?? this.grid).getBoundingClientRect();
      this.dispatchEvent(new CustomEvent('ni-table-row', { detail: { index: place, row: cells, anchor } }));
    } else {
      followLink(this, { kind: 'open-address', address });
    }
  }

  private sortBy(column: TableColumn): void {
    this.sort = nextSort(this.sort, column);
    this.afterReorder();
    this.announcement =
      this.sort === undefined
        ? t('In the order of the report')
        : this.sort.direction === 'ascending'
          ? t('Sorted by {0}, ascending', column.label)
          : t('Sorted by {0}, descending', column.label);
  }

  /** Whoever asks for another order wants to see where it begins. */
  private afterReorder(): void {
    this.grid.scrollTop = 0;
    this.tellState();
  }

  private readonly onCopyTsv = (): void => {
    this.copy(tableTsv);
  };

  private readonly onCopyCsv = (): void => {
    this.copy(tableCsv);
  };

  private async focusPlace(to: GridPlace): Promise<void> {
    this.place = to;
    if (to.row >= 0) {
      const top = to.row * this.rowHeight;
      const lowest = top + this.rowHeight - this.viewHeight;
      this.grid.scrollTop = Math.min(top, Math.max(lowest, this.grid.scrollTop));
      this.scrolled = this.grid.scrollTop;
    }
    await this.updateComplete;
    const cell = this.cellAt(to);
    (cell?.querySelector<HTMLElement>('a') ?? cell)?.focus();
  }

  private cellAt({ row, column }: GridPlace): HTMLElement | null {
    return this.grid.querySelector(`[data-row="${String(row)}"] [data-column="${String(column)}"]`);
  }

  private copyCell(): void {
    const column = this.table.columns[this.place.column];
    if (column === undefined) return;
    const cell = this.table.rows[this.order[this.place.row] ?? -1]?.[column.key];
    void this.write(this.place.row < 0 ? column.label : String(cell ?? ''), t('Copied the cell'));
  }

  private copy(toText: (table: TableData, order: readonly number[]) => string): void {
    const count = formatNumber(this.order.length, 'count');
    void this.write(toText(this.table, this.order), t('Copied {0} rows', count));
  }

  private async write(text: string, announcement: string): Promise<void> {
    await navigator.clipboard.writeText(text);
    this.announcement = announcement;
  }

  private tellState(): void {
    const { sort, filter, pick } = this;
    const detail: TableState = { sort, filter, pick, scrollTop: this.grid.scrollTop };
    this.dispatchEvent(new CustomEvent('ni-table-state', { detail }));
  }
}
