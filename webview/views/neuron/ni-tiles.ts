import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, queryAll, state } from 'lit/decorators.js';
import { baseStyles } from '../../components/baseStyles.js';
import { t } from '../../text.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-tiles': NiTiles;
  }
  interface HTMLElementEventMap {
    'ni-tile': CustomEvent<number>;
  }
}

/** One tile. Its name is all of its texts, in order. */
export interface Tile {
  /** What only screen readers need to be told, as the picture says it to others. */
  readonly hiddenText: string;
  /** Drawn inside; says nothing to screen readers and takes no focus. */
  readonly picture?: TemplateResult;
  /** Longer text, cut after a few lines. */
  readonly text?: string;
  readonly captions: readonly string[];
}

/**
 * Small pictures in rows, one stop of the Tab key: arrow keys walk over them, Enter or a click opens one.
 *
 * @tag ni-tiles
 *
 * @prop tiles - What to show.
 * @prop {string} label - Accessible name of the list.
 * @prop {number} size - Width of a tile in pixels.
 *
 * @fires ni-tile - One was opened: its place in `tiles`.
 */
@customElement('ni-tiles')
export class NiTiles extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      ul {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        /* Pictures stand below the heading; their buttons reach around them. */
        margin: 0 -5px;
        padding: 0;
        list-style: none;
      }
      button {
        display: block;
        width: calc(var(--tile-size) + 10px);
        padding: 4px;
        border: 1px solid transparent;
        border-radius: 3px;
        color: inherit;
        background: none;
        font: inherit;
        text-align: left;
        cursor: zoom-in;
      }
      button:hover {
        background: var(--ni-hover);
        border-color: var(--ni-hover-outline);
      }
      .picture {
        pointer-events: none;
      }
      .text {
        display: -webkit-box;
        margin: 0;
        overflow: hidden;
        font-family: var(--ni-code-font);
        font-size: 0.9em;
        line-height: 1.35;
        overflow-wrap: anywhere;
        -webkit-box-orient: vertical;
        -webkit-line-clamp: 5;
        line-clamp: 5;
      }
      .captions {
        display: grid;
        margin-top: 2px;
        font-size: 0.9em;
        line-height: 1.3;
        font-variant-numeric: tabular-nums;
      }
      .captions span {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .captions span + span {
        color: var(--ni-muted);
      }
    `,
  ];

  @property({ attribute: false }) tiles: readonly Tile[] = [];
  @property() label = '';
  @property({ type: Number }) size = 112;

  /** The tile that the Tab key reaches. */
  @state() private reached = 0;
  @queryAll('button') private readonly buttons!: NodeListOf<HTMLButtonElement>;

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('tiles')) this.reached = Math.min(this.reached, Math.max(0, this.tiles.length - 1));
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has('size')) this.style.setProperty('--tile-size', `${String(this.size)}px`);
  }

  protected override render(): TemplateResult {
    return html`<ul aria-label=${this.label} @keydown=${this.onKeyDown}>
      ${this.tiles.map((tile, index) => this.renderTile(tile, index))}
    </ul>`;
  }

  private renderTile({ hiddenText, picture, text, captions }: Tile, index: number): TemplateResult {
    return html`<li>
      <button
        tabindex=${index === this.reached ? 0 : -1}
        title=${t('Enlarge')}
        @focus=${() => {
          this.reached = index;
        }}
        @click=${() => {
          this.dispatchEvent(new CustomEvent('ni-tile', { detail: index }));
        }}
      >
        <span class="hidden-text">${hiddenText}</span>
        ${picture === undefined ? nothing : html`<div class="picture" inert aria-hidden="true">${picture}</div>`}
        ${text === undefined ? nothing : html`<span class="text">${text}</span>`}
        ${captions.length === 0 ? nothing : html`<div class="captions">${captions.map((text) => html`<span title=${text}>${text}</span>`)}</div>`}
      </button>
    </li>`;
  }

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    const to = this.placeAfter(event.key);
    if (to === undefined) return;
    // Also tells the page that these arrows are not for it.
    event.preventDefault();
    this.buttons[Math.max(0, Math.min(this.tiles.length - 1, to))]?.focus();
  };

  private placeAfter(key: string): number | undefined {
    const { reached } = this;
    switch (key) {
      case 'ArrowLeft':
        return reached - 1;
      case 'ArrowRight':
        return reached + 1;
      case 'ArrowUp':
        return this.nextRow(-1);
      case 'ArrowDown':
        return this.nextRow(1);
      case 'Home':
        return 0;
      case 'End':
        return this.tiles.length - 1;
      default:
        return undefined;
    }
  }

  /** The tile above or below, as they lie: rows are as long as the page is wide. */
  private nextRow(by: 1 | -1): number {
    const tops = Array.from(this.buttons, (button) => button.offsetTop);
    const perRow = tops.filter((top) => top === tops[0]).length;
    const to = this.reached + by * perRow;
    return to < 0 || to >= this.tiles.length ? this.reached : to;
  }
}
