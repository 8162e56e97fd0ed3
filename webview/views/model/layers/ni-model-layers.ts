import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import type { StateSource } from '../../../../src/protocol/structure.js';
import type { LayerBadge } from '../../../../src/protocol/views/modelMessages.js';
import { applyStyle } from '../../../applyStyle.js';
import { baseStyles } from '../../../components/baseStyles.js';
import { drawnRows, rowHeightIn } from '../../../components/table/rowsInView.js';
import { valueOf } from '../../../components/table/tableEvents.js';
import { t } from '../../../text.js';
import { moveInTree } from './moveInTree.js';
import { layerCells, layerColumns } from './layerCells.js';
import { type LayerColumn, type LayerQuery, type LayerRow, LayerTree, type ModelLayer } from './layerRows.js';
import { layersHead, nextSort } from './layersHead.js';
import { layersStyles } from './layersStyles.js';
import { layersTools, type LayersTools } from './layersTools.js';
import './ni-layer-details.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-model-layers': NiModelLayers;
  }
  interface HTMLElementEventMap {
    'ni-layers-state': CustomEvent<LayersState>;
  }
}

/** How the list was left; kept over hiding and reloads. */
export interface LayersState {
  readonly search?: string;
  readonly sort?: LayerQuery['sort'];
  readonly collapsed?: readonly string[];
  readonly chosen?: string | undefined;
  readonly scrollTop?: number;
}

/** Where there is little room, longer names are cut; their tooltip says them whole. In characters. */
const mostNameWidth = 22;

/**
 * The layers of a model: a tree in file order, or a flat list when sorted; draws only the rows in view, so that 10,000
 * scroll as ten do.
 *
 * @tag ni-model-layers
 *
 * @prop layers - In file order.
 * @prop states - Where the states of each layer's units come from.
 * @prop badges - What results say, by layer.
 * @prop {number} parameterCount - Of the whole model.
 * @prop saved - How it was left; read once, before the first drawing.
 *
 * @fires ni-layers-state - Something changed that is to be kept.
 * @fires ni-show-layer - A layer is to be shown in another tab.
 * @fires ni-link - A neuron is to be opened.
 */
@customElement('ni-model-layers')
export class NiModelLayers extends LitElement {
  static override readonly styles = [baseStyles, layersStyles];

  @property({ attribute: false }) layers: readonly ModelLayer[] = [];
  @property({ attribute: false }) states: Readonly<Record<string, StateSource>> = {};
  @property({ attribute: false }) badges: Readonly<Record<string, LayerBadge>> = {};
  @property({ type: Number }) parameterCount = 0;
  @property({ attribute: false }) saved: LayersState = {};

  @state() private search = '';
  @state() private sort: LayerQuery['sort'];
  @state() private collapsed: ReadonlySet<string> = new Set();
  @state() private chosen: string | undefined;
  @state() private headFocus = 0;
  @state() private scrolled = 0;
  @state() private viewHeight = 0;
  @state() private rowHeight = 22;

  @query('.grid') private readonly grid!: HTMLElement;

  private tree = new LayerTree([], () => '');
  private rows: readonly LayerRow[] = [];
  private foundCount = 0;
  private isRestored = false;
  private awaited: string | undefined;
  /** Room for names where there is little, in characters. */
  private nameWidth = mostNameWidth;
  private readonly resized = new ResizeObserver(() => {
    this.measure();
  });

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.resized.observe(this.grid);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.resized.disconnect();
  }

  /** Puts the cursor into the search field. */
  focusSearch(): void {
    this.renderRoot.querySelector<HTMLElement>('vscode-textfield')?.focus();
  }

  /** Brings a layer into view, whatever hides it. */
  reveal(name: string): void {
    this.chosen = name;
    this.collapsed = without(this.collapsed, this.tree.around(name));
    const isFound = this.tree.rows(this.query()).some(({ layer }) => layer.name === name);
    if (!isFound) this.search = '';
    this.awaited = name;
    this.keep();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!this.hasUpdated) this.restore();
    if (changed.has('layers') || changed.has('badges')) {
      const longest = this.layers.reduce((most, { name }) => Math.max(most, name.length), 0);
      this.nameWidth = Math.min(mostNameWidth, longest);
      this.tree = new LayerTree(this.layers, (layer) => this.badges[layer]?.text ?? '');
    }
    const listing: readonly string[] = ['layers', 'badges', 'search', 'sort', 'collapsed'];
    if (!listing.some((name) => (changed as PropertyValues).has(name))) return;
    this.rows = this.tree.rows(this.query());
    this.foundCount = this.tree.foundCount(this.search);
  }

  protected override firstUpdated(): void {
    this.resized.observe(this.grid);
    this.measure();
  }

  protected override updated(): void {
    if (this.viewHeight === 0) return;
    if (!this.isRestored) {
      this.isRestored = true;
      if (this.saved.scrollTop !== undefined) this.grid.scrollTop = this.saved.scrollTop;
    }
    if (this.awaited === undefined) return;
    const row = this.rows.findIndex(({ layer }) => layer.name === this.awaited);
    this.awaited = undefined;
    if (row >= 0) this.bringIntoView(row, 'center');
  }

  protected override render(): TemplateResult {
    const chosen = this.layers.find(({ name }) => name === this.chosen);
    return html`
      ${this.renderTools()} ${this.renderGrid()}
      ${
        chosen === undefined
          ? nothing
          : html`<ni-layer-details
              class="details"
              .layer=${chosen}
              .states=${this.states[chosen.name]}
              .badge=${this.badges[chosen.name]}
            ></ni-layer-details>`
      }
    `;
  }

  private renderTools(): TemplateResult {
    return layersTools({
      search: this.search,
      layerCount: this.layers.length,
      foundCount: this.foundCount,
      folding: this.folding(),
      onSearch: this.onSearch,
      onSearchKey: this.onSearchKey,
      clearSort: this.clearSort,
      expandAll: this.expandAll,
      collapseAll: this.collapseAll,
    });
  }

  private folding(): LayersTools['folding'] {
    if (this.sort !== undefined) return 'sorted';
    if (this.tree.scopes.length === 0) return 'none';
    return this.collapsed.size > 0 ? 'folded' : 'unfolded';
  }

  private renderGrid(): TemplateResult {
    const chosen = this.chosenIndex();
    return html`<div
      class="grid"
      role="treegrid"
      aria-label=${t('Layers')}
      aria-rowcount=${this.rows.length + 1}
      aria-colcount=${layerColumns.length}
      ${applyStyle({ '--row': `${String(this.rowHeight)}px`, '--name': `${String(this.nameWidth)}ch` })}
      @scroll=${this.onScroll}
      @click=${this.onClick}
      @dblclick=${this.onDoubleClick}
      @keydown=${this.onKeyDown}
    >
      <div class="sheet" role="presentation">
        <div class="head" role="rowgroup">
          <div class="row" role="row" aria-rowindex="1">
            ${layersHead({
              sort: this.sort,
              focused: this.headFocus,
              onSort: this.onSort,
              onKey: this.onHeaderKey,
            })}
          </div>
        </div>
        <div
          class="body"
          role="rowgroup"
          ${applyStyle({ height: `${String(this.rows.length * this.rowHeight)}px` })}
        >
          ${repeat(
            this.drawnRows(chosen),
            (index) => this.rows[index]?.layer.name,
            (index) => this.renderRow(index, index === Math.max(0, chosen)),
          )}
        </div>
      </div>
      ${this.rows.length === 0 ? this.renderNothing() : nothing}
    </div>`;
  }

  private renderRow(index: number, isTabStop: boolean): TemplateResult | typeof nothing {
    const row = this.rows[index];
    if (row === undefined) return nothing;
    const { layer, depth, hasChildren, isExpanded, position, siblingCount } = row;
    const isChosen = layer.name === this.chosen;
    return html`<div
      class="row ${isChosen ? 'chosen' : ''}"
      role="row"
      aria-rowindex=${index + 2}
      aria-level=${depth + 1}
      aria-posinset=${position}
      aria-setsize=${siblingCount}
      aria-expanded=${hasChildren ? String(isExpanded) : nothing}
      aria-selected=${String(isChosen)}
      data-row=${index}
      tabindex=${isTabStop ? 0 : -1}
      ${applyStyle({ transform: `translateY(${String(index * this.rowHeight)}px)` })}
    >
      ${layerCells(row, {
        badge: this.badges[layer.name],
        parameterCount: this.parameterCount,
        search: this.search,
      })}
    </div>`;
  }

  private renderNothing(): TemplateResult {
    if (this.layers.length === 0) {
      return html`<p class="nothing">
        ${t('No operator with weights, activation or normalisation was found. The graph shows every node.')}
      </p>`;
    }
    return html`<p class="nothing">
      ${t('No layer matches.')}
      <button class="text" @click=${this.clearSearch}>${t('Show all layers')}</button>
    </p>`;
  }

  private query(): LayerQuery {
    return { search: this.search, sort: this.sort, collapsed: this.collapsed };
  }

  private chosenIndex(): number {
    return this.rows.findIndex(({ layer }) => layer.name === this.chosen);
  }

  private drawnRows(focusedRow: number): number[] {
    const { scrolled, viewHeight: height, rowHeight, rows } = this;
    return drawnRows({ scrolled, height, rowHeight, rowCount: rows.length, focusedRow });
  }

  private restore(): void {
    const { search = '', sort, collapsed = [], chosen } = this.saved;
    Object.assign(this, { search, sort, collapsed: new Set(collapsed), chosen });
  }

  private keep(): void {
    const { search, sort, chosen } = this;
    const collapsed = [...this.collapsed];
    const detail: LayersState = { search, sort, collapsed, chosen, scrollTop: this.scrolled };
    this.dispatchEvent(new CustomEvent('ni-layers-state', { detail }));
  }

  private measure(): void {
    this.rowHeight = rowHeightIn(this);
    this.viewHeight = Math.max(0, this.grid.clientHeight - this.rowHeight);
  }

  private bringIntoView(row: number, place: 'nearest' | 'center'): void {
    const top = row * this.rowHeight;
    const isAbove = top < this.grid.scrollTop;
    const isBelow = top + this.rowHeight > this.grid.scrollTop + this.viewHeight;
    if (!isAbove && !isBelow) return;
    const centred = top - (this.viewHeight - this.rowHeight) / 2;
    const nearest = isAbove ? top : top + this.rowHeight - this.viewHeight;
    this.grid.scrollTop = place === 'center' ? centred : nearest;
    this.scrolled = this.grid.scrollTop;
  }

  private async choose(row: number): Promise<void> {
    const layer = this.rows[row]?.layer;
    if (layer === undefined) return;
    this.chosen = layer.name;
    this.bringIntoView(row, 'nearest');
    this.keep();
    await this.updateComplete;
    // What is known of the layer opened below and took some of the height.
    this.measure();
    this.bringIntoView(row, 'nearest');
    await this.updateComplete;
    this.grid.querySelector<HTMLElement>(`[data-row="${String(row)}"]`)?.focus({ preventScroll: true });
  }

  private setExpanded(row: number, isExpanded: boolean): void {
    const name = this.rows[row]?.layer.name;
    if (name === undefined) return;
    this.collapsed = isExpanded ? without(this.collapsed, [name]) : new Set([...this.collapsed, name]);
    this.keep();
  }

  private readonly onSort = (column: LayerColumn, index: number): void => {
    this.sort = nextSort(this.sort, column);
    this.headFocus = index;
    this.keep();
  };

  private readonly onScroll = (): void => {
    this.scrolled = this.grid.scrollTop;
    this.keep();
  };

  private readonly onSearch = (event: Event): void => {
    this.search = valueOf(event);
    this.grid.scrollTop = 0;
    this.keep();
  };

  private readonly onSearchKey = (event: KeyboardEvent): void => {
    if (event.key !== 'ArrowDown' && event.key !== 'Enter') return;
    event.preventDefault();
    void this.choose(Math.max(0, this.chosenIndex()));
  };

  private readonly clearSearch = (): void => {
    this.search = '';
    this.keep();
  };

  private readonly clearSort = (): void => {
    this.sort = undefined;
    this.keep();
  };

  private readonly expandAll = (): void => {
    this.collapsed = new Set();
    this.keep();
  };

  private readonly collapseAll = (): void => {
    this.collapsed = new Set(this.tree.scopes);
    this.keep();
  };

  private readonly onClick = (event: MouseEvent): void => {
    const row = rowOf(event.target);
    if (row === undefined) return;
    const isTwistie = event.target instanceof Element && event.target.closest('.twistie') !== null;
    if (isTwistie) this.setExpanded(row, this.rows[row]?.isExpanded !== true);
    void this.choose(row);
  };

  private readonly onDoubleClick = (event: MouseEvent): void => {
    const row = rowOf(event.target);
    if (row !== undefined && this.rows[row]?.hasChildren === true) {
      this.setExpanded(row, !this.rows[row].isExpanded);
    }
  };

  private readonly onHeaderKey = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.headFocus = Math.min(layerColumns.length - 1, Math.max(0, this.headFocus + step));
    this.grid.querySelectorAll<HTMLElement>('.head button')[this.headFocus]?.focus();
  };

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    const row = rowOf(event.target);
    if (row === undefined) return;
    const pageSize = Math.max(1, Math.floor(this.viewHeight / this.rowHeight) - 1);
    const move = moveInTree(this.rows, { row, pageSize, key: event.key });
    if (move === undefined) return;
    event.preventDefault();
    if (move.kind === 'go') void this.choose(move.row);
    else this.setExpanded(row, move.kind === 'expand');
  };
}

function rowOf(target: EventTarget | null): number | undefined {
  if (!(target instanceof Element)) return undefined;
  const row = target.closest<HTMLElement>('[data-row]')?.dataset['row'];
  return row === undefined ? undefined : Number(row);
}

function without<T>(set: ReadonlySet<T>, values: readonly T[]): ReadonlySet<T> {
  return new Set([...set].filter((value) => !values.includes(value)));
}
