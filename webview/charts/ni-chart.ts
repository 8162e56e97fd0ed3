import '@vscode-elements/elements/dist/vscode-toolbar-button/index.js';
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { applyStyle } from '../applyStyle.js';
import { baseStyles } from '../components/baseStyles.js';
import '../components/ni-table.js';
import type { PartId, PickedPart } from '../components/parts/pickedPart.js';
import { isSamePart, partIdOf, rowOfPart, rowPart } from '../components/parts/rowPart.js';
import type { TableData, TableRow, TableState } from '../components/table/tableData.js';
import type { Parts } from '../../src/protocol/parts.js';
import { followLink } from '../links.js';
import { t } from '../text.js';
import { onThemeChange } from '../theme.js';
import { drawChart, type DrawnChart } from './drawChart.js';
import { isNarrow } from './chartTheme.js';
import { markElement, outlineOf } from './chartMarks.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-chart': NiChart;
  }
  interface HTMLElementEventMap {
    'ni-chart-state': CustomEvent<ChartState>;
    'ni-chart-pick': CustomEvent<{ readonly part: PickedPart; readonly anchor: DOMRect }>;
  }
}

/** How a person left a chart. */
export interface ChartState {
  readonly isTable: boolean;
  /** Height of the drawing: kept free after a reload, so that nothing below jumps when it is drawn. */
  readonly height: number;
  readonly table?: TableState | undefined;
}

/**
 * A chart in the colours of the theme, and its data as a table behind a button. A mark whose data name a neuron or layer
 * leads there. What cannot be drawn is shown as its table, with a word about it.
 *
 * @tag ni-chart
 *
 * @prop spec - Vega-Lite with inline data.
 * @prop table - The same data as a table.
 * @prop {string} label - Accessible name.
 * @prop {string} alt - What it shows, in words.
 * @prop saved - How it was left; read once.
 * @prop parts - What rows and marks are called that can be picked, by a click or with the arrow keys and Enter.
 * @prop marked - The part that was picked.
 *
 * @fires ni-chart-state - Chart or table, and how the table was left.
 * @fires ni-chart-pick - A mark or row was picked.
 * @fires ni-link - A mark or cell with an address was followed.
 */
@customElement('ni-chart')
export class NiChart extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      .frame {
        position: relative;
        overflow-x: auto;
      }
      .drawing {
        width: 100%;
      }
      .drawing svg,
      .drawing canvas {
        display: block;
      }
      .tools {
        display: flex;
        margin-top: 2px;
      }
      .mark {
        position: absolute;
        outline: 2px solid var(--vscode-focusBorder);
        pointer-events: none;
      }
      .mark.pointed {
        outline-width: 1px;
        outline-style: dashed;
      }
      p {
        margin: 0 0 6px;
      }
    `,
  ];

  @property({ attribute: false }) spec: Readonly<Record<string, unknown>> = {};
  @property({ attribute: false }) table: TableData = { columns: [], rows: [] };
  @property() label = '';
  @property() alt = '';
  @property({ attribute: false }) saved: ChartState | undefined;

  @property({ attribute: false }) parts: Parts | undefined;
  @property({ attribute: false }) marked: PartId | undefined;

  @state() private isTable = false;
  /** The part that the arrow keys are at. */
  @state() private pointed: PartId | undefined;
  /** Counts drawings that were put, so that marks follow them. */
  @state() private drawingCount = 0;
  @state() private isBroken = false;
  /** Kept while the next drawing is made, so that nothing below jumps. */
  @state() private leastHeight = 0;

  @query('.frame') private readonly frame!: HTMLElement | null;
  @query('.canvas') private readonly canvas!: HTMLElement | null;

  private tableState: TableState | undefined;
  private drawing: DrawnChart | undefined;
  private drawnWidth = 0;
  /** Counts drawings: one that is overtaken is thrown away. */
  private turn = 0;
  private stopTheme: (() => void) | undefined;
  private readonly resized = new ResizeObserver(() => {
    this.fit();
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.resized.observe(this);
    this.stopTheme = onThemeChange(() => void this.draw());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.resized.disconnect();
    this.stopTheme?.();
    this.drawing?.dispose();
    this.drawing = undefined;
    this.drawnWidth = 0;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!this.hasUpdated && this.saved !== undefined) {
      this.isTable = this.saved.isTable;
      this.leastHeight = this.saved.height;
      this.tableState = this.saved.table;
    }
    if (changed.has('spec')) this.isBroken = false;
  }

  protected override updated(changed: PropertyValues): void {
    if (changed.has('spec') || changed.get('isTable') === true) void this.draw();
  }

  protected override render(): TemplateResult {
    return html`
      ${
        this.isBroken
          ? html`<p class="muted">${t('The chart could not be drawn; its data follows.')}</p>`
          : nothing
      }
      ${this.isTable || this.isBroken ? this.renderTable() : this.renderChart()}
      ${
        this.isBroken
          ? nothing
          : html`<div class="tools">
              <vscode-toolbar-button @click=${this.turnOver}
                ><span>${this.isTable ? t('Show as chart') : t('Show as table')}</span></vscode-toolbar-button
              >
            </div>`
      }
    `;
  }

  private renderChart(): TemplateResult {
    const isPickable = this.parts !== undefined;
    return html`<div
        class="frame"
        role="img"
        tabindex=${isPickable ? 0 : nothing}
        aria-label=${this.alt === '' ? this.label : `${this.label}. ${this.alt}`}
        aria-description=${isPickable ? t('Arrow keys read the values, Enter asks about one.') : nothing}
        ${applyStyle({ 'min-height': `${String(this.leastHeight)}px` })}
        @keydown=${this.onKeyDown}
        @blur=${() => {
          this.pointed = undefined;
        }}
      >
        <div class="canvas"></div>
        ${this.renderMark(this.marked, 'mark')} ${this.renderMark(this.pointed, 'mark pointed')}
      </div>
      ${isPickable ? html`<span class="muted" role="status">${this.pointedText()}</span>` : nothing}`;
  }

  private renderMark(part: PartId | undefined, className: string): TemplateResult | typeof nothing {
    const mark = this.markOf(part);
    if (mark === undefined || this.frame === null || this.drawingCount === 0) return nothing;
    return html`<span class=${className} ${applyStyle(outlineOf(mark, this.frame))}></span>`;
  }

  private markOf(part: PartId | undefined): Element | undefined {
    const { canvas, parts } = this;
    if (part === undefined || canvas === null) return undefined;
    return markElement(canvas, (datum) => isSamePart(partIdOf(datum, parts), part));
  }

  private pointedText(): string {
    const index = rowOfPart(this.table.rows, this.parts, this.pointed);
    const row = index === undefined ? undefined : this.table.rows[index];
    return row === undefined ? '' : (rowPart(row, this.table.columns, this.parts)?.text ?? '');
  }

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    if (this.parts === undefined) return;
    const { rows } = this.table;
    const at = rowOfPart(rows, this.parts, this.pointed ?? this.marked) ?? -1;
    const row = rows[at];
    if ((event.key === 'Enter' || event.key === ' ') && row !== undefined) {
      event.preventDefault();
      const mark = this.markOf(this.pointed ?? this.marked);
      this.pick(row, (mark ?? this).getBoundingClientRect());
      return;
    }
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    // Rows that stand for no part are passed over.
    for (let next = at + step; next >= 0 && next < rows.length; next += step) {
      const part = rowPart(rows[next] ?? {}, this.table.columns, this.parts);
      if (part === undefined) continue;
      this.pointed = part;
      return;
    }
  };

  private pick(row: TableRow, anchor: DOMRect): void {
    const part = rowPart(row, this.table.columns, this.parts);
    if (part === undefined) return;
    this.dispatchEvent(new CustomEvent('ni-chart-pick', { detail: { part, anchor } }));
  }

  private renderTable(): TemplateResult {
    return html`<ni-table
      .label=${this.label}
      .table=${this.table}
      .saved=${this.tableState}
      ?pickable=${this.parts !== undefined}
      .markedRow=${rowOfPart(this.table.rows, this.parts, this.marked)}
      @ni-table-row=${({ detail: { row, anchor } }: HTMLElementEventMap['ni-table-row']) => {
        this.pick(row, anchor);
      }}
      @ni-table-state=${(event: CustomEvent<TableState>) => {
        this.tableState = event.detail;
        this.tellState();
      }}
    ></ni-table>`;
  }

  /** Draws when there is room: a folded chart has no width until it is opened. */
  private async draw(): Promise<void> {
    const { frame } = this;
    if (frame === null || this.clientWidth === 0) {
      this.drawnWidth = 0;
      return;
    }
    const turn = ++this.turn;
    this.drawnWidth = this.clientWidth;
    const container = document.createElement('div');
    container.className = 'drawing';
    // The frame has a name, and the table the data: nobody wants to hear every tick besides.
    container.setAttribute('aria-hidden', 'true');
    try {
      const next = await drawChart(container, this.spec, {
        width: this.drawnWidth,
        rowCount: this.table.rows.length,
        isPickable: this.addressKeys().length > 0 || this.parts !== undefined,
      });
      if (turn === this.turn && this.isConnected) this.put(next, container);
      else next.dispose();
    } catch {
      if (turn === this.turn) this.isBroken = true;
    }
  }

  private put(next: DrawnChart, container: HTMLElement): void {
    this.drawing?.dispose();
    this.drawing = next;
    this.canvas?.replaceChildren(container);
    this.drawingCount++;
    const { offsetHeight } = container;
    if (offsetHeight !== this.leastHeight) {
      this.leastHeight = offsetHeight;
      this.tellState();
    }
    next.onPick((datum, at) => {
      const address = this.addressKeys()
        .map((key) => datum[key])
        .find((value) => typeof value === 'string');
      if (address !== undefined) followLink(this, { kind: 'open-address', address });
      const index = rowOfPart(this.table.rows, this.parts, partIdOf(datum, this.parts));
      const row = index === undefined ? undefined : this.table.rows[index];
      if (row !== undefined) this.pick(row, at);
    });
  }

  private fit(): void {
    if (this.clientWidth === 0 || this.clientWidth === this.drawnWidth) return;
    // Between narrow and wide the legend changes its place.
    const isOtherKind = isNarrow(this.clientWidth) !== isNarrow(this.drawnWidth);
    if (this.drawnWidth === 0 || this.drawing === undefined || isOtherKind) {
      void this.draw();
      return;
    }
    this.drawnWidth = this.clientWidth;
    this.drawing.resize(this.drawnWidth);
  }

  private addressKeys(): string[] {
    return this.table.columns.filter(({ kind }) => kind === 'address').map(({ key }) => key);
  }

  private readonly turnOver = (): void => {
    this.isTable = !this.isTable;
    this.tellState();
  };

  private tellState(): void {
    const detail: ChartState = { isTable: this.isTable, height: this.leastHeight, table: this.tableState };
    this.dispatchEvent(new CustomEvent('ni-chart-state', { detail }));
  }
}
