import { html, LitElement, type PropertyValues, svg, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { baseStyles } from '../../../components/baseStyles.js';
import { heatColors } from '../../../components/heatColors.js';
import { ThemeController } from '../../../theme.js';
import type { Point, Size } from './boxParts.js';
import type { BoxText } from './boxText.js';
import type { Scene, SceneBox } from './graphLayout.js';
import type { GraphStep } from './graphStep.js';
import type { ItemId } from './graphTree.js';
import { graphViewStyles } from './graphViewStyles.js';
import type { Heat } from './layerHeat.js';
import './ni-graph-map.js';
import { sceneTemplate } from './sceneTemplate.js';
import {
  type Area,
  centred,
  fitted,
  keeping,
  resized,
  showing,
  type Viewport,
  whole,
  zoomed,
} from './viewport.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-graph-view': NiGraphView;
  }
  interface HTMLElementEventMap {
    'ni-graph-choose': CustomEvent<ItemId | undefined>;
    'ni-graph-toggle': CustomEvent<ItemId>;
    'ni-graph-go': CustomEvent<GraphStep>;
    'ni-graph-viewport': CustomEvent<Viewport>;
  }
}

/** Below this magnification text is not drawn. */
const farZoom = 0.42;

/** A pointer that moved less is a click. */
const clickDistance = 4;

/** Part of the screen that a key moves the drawing by. */
const keyShare = 0.2;

const zoomStep = 1.25;

/**
 * The drawing of a graph: moved and magnified by mouse, wheel and keyboard. To assistive technology it is a tree whose
 * current item is the chosen box; arrow keys follow the edges.
 *
 * @tag ni-graph-view
 *
 * @prop scene - What is drawn, and where.
 * @prop text - Measures and cuts texts.
 * @prop chosen - The chosen box.
 * @prop found - Boxes that a search found.
 * @prop hot - Lines that are emphasised.
 * @prop heat - Numbers shown as colour, by box.
 * @prop describe - Says what a box is connected to.
 * @prop {string} label - Accessible name.
 * @prop viewport - Which part is seen; undefined until the drawing was fitted.
 *
 * @fires ni-graph-choose - A box was chosen, or none.
 * @fires ni-graph-toggle - A box is to be opened or closed.
 * @fires ni-graph-go - A key leads to a neighbour.
 * @fires ni-graph-viewport - Another part is seen.
 */
@customElement('ni-graph-view')
export class NiGraphView extends LitElement {
  static override readonly styles = [baseStyles, graphViewStyles];

  @property({ attribute: false }) scene: Scene | undefined;
  @property({ attribute: false }) text: BoxText | undefined;
  @property({ attribute: false }) chosen: ItemId | undefined;
  @property({ attribute: false }) found: ReadonlySet<ItemId> = new Set();
  @property({ attribute: false }) hot: ReadonlySet<string> = new Set();
  @property({ attribute: false }) heat: ReadonlyMap<ItemId, Heat> = new Map();
  @property({ attribute: false }) describe: (item: ItemId) => string = () => '';
  @property() label = '';
  @property({ attribute: false }) viewport: Viewport | undefined;

  @state() private screen: Size = { width: 0, height: 0 };
  @state() private isMoving = false;

  @query('svg.view') private readonly view!: SVGSVGElement;

  private drag: { readonly from: Point; readonly viewport: Viewport; isMove: boolean } | undefined;
  private drawing: unknown = [];
  /** The view that a person has not moved since it was fitted: on another screen it is fitted again. */
  private fitting: { readonly viewport: Viewport; readonly fit: typeof fitted } | undefined;
  private readonly resized = new ResizeObserver(() => {
    this.take({ width: this.clientWidth, height: this.clientHeight });
  });

  constructor() {
    super();
    new ThemeController(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.resized.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.resized.disconnect();
  }

  override focus(): void {
    this.view.focus();
  }

  /** Shows all of the drawing. */
  fit(): void {
    if (this.scene === undefined) return;
    this.move(whole(this.scene, this.screen));
    if (this.viewport !== undefined) this.fitting = { viewport: this.viewport, fit: whole };
  }

  /** Magnifies around the middle. */
  zoom(factor: number): void {
    const middle = { x: this.screen.width / 2, y: this.screen.height / 2 };
    if (this.viewport !== undefined) this.move(zoomed(this.viewport, factor, middle));
  }

  /** Brings a box into view: in the middle, or by as little as is needed. */
  bring(item: ItemId, place: 'middle' | 'near'): void {
    const box = this.boxOf(item);
    if (box === undefined || this.viewport === undefined) return;
    // Of a tall frame its title is what is looked for.
    const area: Area = box.isExpanded ? { ...box, height: Math.min(box.height, 40) } : box;
    if (place === 'near') this.move(showing(this.viewport, area, this.screen));
    else {
      this.move(
        centred({ ...this.viewport, zoom: Math.max(this.viewport.zoom, farZoom * 1.5) }, area, this.screen),
      );
    }
  }

  /** Shows another drawing with a box at the same place of the screen. */
  replace(scene: Scene, anchor: ItemId | undefined): void {
    const before = anchor === undefined ? undefined : this.boxOf(anchor);
    this.scene = scene;
    const after = anchor === undefined ? undefined : this.boxOf(anchor);
    if (before !== undefined && after !== undefined && this.viewport !== undefined) {
      this.move(keeping(this.viewport, before, after));
    }
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (this.viewport === undefined && this.scene !== undefined && this.screen.width > 0) {
      this.viewport = fitted(this.scene, this.screen);
      this.fitting = { viewport: this.viewport, fit: fitted };
    }
    const seenOnly = ['viewport', 'screen', 'isMoving', 'label'];
    const isRedrawn = [...(changed as Map<string, unknown>).keys()].some((name) => !seenOnly.includes(name));
    if (isRedrawn || changed.size === 0) this.drawing = this.draw();
  }

  protected override render(): TemplateResult {
    const { viewport, scene } = this;
    const { x, y, zoom } = viewport ?? { x: 0, y: 0, zoom: 1 };
    const isChosenDrawn = this.chosen !== undefined && this.boxOf(this.chosen) !== undefined;
    return html`<svg
        class="view ${zoom < farZoom ? 'far' : ''} ${this.isMoving ? 'moving' : ''}"
        role="tree"
        tabindex="0"
        aria-label=${this.label}
        aria-activedescendant=${isChosenDrawn ? elementId(this.chosen ?? 0) : ''}
        @pointerdown=${this.onPointerDown}
        @pointermove=${this.onPointerMove}
        @pointerup=${this.onPointerUp}
        @pointercancel=${this.onPointerCancel}
        @dblclick=${this.onDoubleClick}
        @wheel=${this.onWheel}
        @keydown=${this.onKeyDown}
      >
        ${svg`<g transform="translate(${x} ${y}) scale(${zoom})">${this.drawing}</g>`}
      </svg>
      <ni-graph-map
        .scene=${scene}
        .viewport=${viewport}
        .screen=${this.screen}
        @ni-graph-viewport=${this.onMap}
      ></ni-graph-map>`;
  }

  private draw(): unknown {
    const { scene, text } = this;
    if (scene === undefined || text === undefined) return [];
    const { chosen, found, hot, heat, describe } = this;
    return sceneTemplate(scene, {
      text,
      chosen,
      found,
      hot,
      heat,
      describe,
      colors: heatColors(),
      elementId,
    });
  }

  private boxOf(item: ItemId): SceneBox | undefined {
    return this.scene?.boxes.find((box) => box.item.id === item);
  }

  /** Goes on to a screen of another size; a tab that is hidden has none. */
  private take(screen: Size): void {
    const before = this.screen;
    if (screen.width === 0) return;
    this.screen = screen;
    const { viewport, fitting, scene } = this;
    if (viewport === undefined || before.width === 0 || scene === undefined) return;
    if (fitting?.viewport !== viewport) {
      this.move(resized(viewport, before, screen));
      return;
    }
    const again = fitting.fit(scene, screen);
    this.move(again);
    this.fitting = { viewport: again, fit: fitting.fit };
  }

  private move(viewport: Viewport): void {
    this.viewport = viewport;
    this.dispatchEvent(new CustomEvent('ni-graph-viewport', { detail: viewport }));
  }

  private choose(item: ItemId | undefined): void {
    this.dispatchEvent(new CustomEvent('ni-graph-choose', { detail: item }));
  }

  private toggle(item: ItemId): void {
    this.dispatchEvent(new CustomEvent('ni-graph-toggle', { detail: item }));
  }

  private readonly onMap = (event: CustomEvent<Viewport>): void => {
    event.stopPropagation();
    this.move(event.detail);
  };

  private readonly onPointerDown = (event: PointerEvent): void => {
    if (event.button > 1 || this.viewport === undefined) return;
    this.drag = { from: placeOf(event), viewport: this.viewport, isMove: false };
    this.view.setPointerCapture(event.pointerId);
  };

  private readonly onPointerMove = (event: PointerEvent): void => {
    const { drag } = this;
    if (drag === undefined) return;
    const at = placeOf(event);
    const [dx, dy] = [at.x - drag.from.x, at.y - drag.from.y];
    if (!drag.isMove && Math.hypot(dx, dy) < clickDistance) return;
    drag.isMove = true;
    this.isMoving = true;
    this.move({ ...drag.viewport, x: drag.viewport.x + dx, y: drag.viewport.y + dy });
  };

  private readonly onPointerUp = (event: PointerEvent): void => {
    const isClick = this.drag !== undefined && !this.drag.isMove;
    this.onPointerCancel();
    if (!isClick) return;
    const target = this.shadowRoot?.elementFromPoint(event.clientX, event.clientY) ?? null;
    const item = itemOf(target);
    if (item !== undefined && target?.closest('[data-toggle]') !== null) this.toggle(item);
    this.choose(item);
  };

  private readonly onPointerCancel = (): void => {
    this.drag = undefined;
    this.isMoving = false;
  };

  private readonly onDoubleClick = (event: MouseEvent): void => {
    const target = this.shadowRoot?.elementFromPoint(event.clientX, event.clientY) ?? null;
    const item = itemOf(target);
    // A double click on the sign itself has opened and closed it already.
    if (item !== undefined && target?.closest('[data-toggle]') === null) this.toggle(item);
  };

  private readonly onWheel = (event: WheelEvent): void => {
    event.preventDefault();
    if (this.viewport === undefined) return;
    if (event.ctrlKey || event.metaKey) {
      const box = this.getBoundingClientRect();
      const at = { x: event.clientX - box.left, y: event.clientY - box.top };
      this.move(zoomed(this.viewport, Math.exp(-event.deltaY / 300), at));
      return;
    }
    const [dx, dy] = event.shiftKey ? [event.deltaY, event.deltaX] : [event.deltaX, event.deltaY];
    this.move({ ...this.viewport, x: this.viewport.x - dx, y: this.viewport.y - dy });
  };

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    if (this.onViewKey(event)) {
      event.preventDefault();
      return;
    }
    const step = stepOf(event);
    if (step !== undefined) {
      this.dispatchEvent(new CustomEvent('ni-graph-go', { detail: step }));
    } else if ((event.key === 'Enter' || event.key === ' ') && this.chosen !== undefined) {
      this.toggle(this.chosen);
    } else if (event.key === 'Escape' && this.chosen !== undefined) {
      this.choose(undefined);
    } else {
      return;
    }
    event.preventDefault();
  };

  /** Keys that move and magnify the drawing. */
  private onViewKey(event: KeyboardEvent): boolean {
    const { width, height } = this.screen;
    const by = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (by !== undefined && (event.altKey || event.ctrlKey || event.metaKey) && this.viewport !== undefined) {
      const [dx = 0, dy = 0] = by;
      const { x, y, zoom } = this.viewport;
      this.move({ x: x + dx * width * keyShare, y: y + dy * height * keyShare, zoom });
      return true;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === '+' || event.key === '=') this.zoom(zoomStep);
    else if (event.key === '-') this.zoom(1 / zoomStep);
    else if (event.key === '0') this.fit();
    else return false;
    return true;
  }
}

/** Arrows follow the edges, with Shift they go into boxes and out of them; left and right stay among neighbours. */
function stepOf({ key, shiftKey }: KeyboardEvent): GraphStep | undefined {
  switch (key) {
    case 'ArrowUp':
      return shiftKey ? 'around' : 'before';
    case 'ArrowDown':
      return shiftKey ? 'inside' : 'after';
    case 'ArrowLeft':
      return 'previous';
    case 'ArrowRight':
      return 'next';
    case 'Home':
      return 'first';
    case 'End':
      return 'last';
    default:
      return undefined;
  }
}

function elementId(item: ItemId): string {
  return `item-${String(item)}`;
}

function placeOf({ clientX, clientY }: MouseEvent): Point {
  return { x: clientX, y: clientY };
}

function itemOf(target: Element | null): ItemId | undefined {
  const item = target?.closest<SVGElement>('[data-item]')?.dataset['item'];
  return item === undefined ? undefined : Number(item);
}
