import { css, html, LitElement, nothing, svg, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { Size } from './boxParts.js';
import type { Scene } from './graphLayout.js';
import { seen, type Viewport } from './viewport.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-graph-map': NiGraphMap;
  }
}

/** A map is shown when the drawing is this much larger than the screen. */
const neededBy = 1.3;

const mapSize: Size = { width: 130, height: 170 };

/**
 * A small map of a large drawing: where one is, and the way to anywhere else. The keyboard has its own ways, so assistive
 * technology does not hear of it.
 *
 * @tag ni-graph-map
 *
 * @prop scene - The drawing.
 * @prop viewport - Which part of it is seen.
 * @prop screen - Size of what it is seen in.
 *
 * @fires ni-graph-viewport - Another part is to be seen.
 */
@customElement('ni-graph-map')
export class NiGraphMap extends LitElement {
  static override readonly styles = css`
    :host {
      position: absolute;
      right: 8px;
      bottom: 8px;
      line-height: 0;
    }
    svg {
      background: var(--vscode-editorWidget-background, var(--vscode-editor-background));
      border: 1px solid var(--ni-line);
      cursor: pointer;
      touch-action: none;
    }
    .box {
      fill: var(--ni-muted);
      opacity: 0.55;
    }
    .frame {
      fill: none;
      stroke: var(--ni-muted);
      vector-effect: non-scaling-stroke;
    }
    .seen {
      fill: var(--vscode-minimapSlider-background, rgb(128 128 128 / 25%));
      stroke: var(--vscode-focusBorder);
      vector-effect: non-scaling-stroke;
    }
    @media (forced-colors: active) {
      .box {
        fill: CanvasText;
      }
    }
  `;

  @property({ attribute: false }) scene: Scene | undefined;
  @property({ attribute: false }) viewport: Viewport | undefined;
  @property({ attribute: false }) screen: Size = { width: 0, height: 0 };

  private drawn: { readonly scene: Scene; readonly boxes: unknown } | undefined;

  protected override render(): TemplateResult | typeof nothing {
    const { scene, viewport, screen } = this;
    if (scene === undefined || viewport === undefined || !isNeeded(scene, viewport, screen)) return nothing;
    const scale = Math.min(mapSize.width / scene.width, mapSize.height / scene.height);
    const [width, height] = [Math.max(12, scene.width * scale), Math.max(12, scene.height * scale)];
    const area = seen(viewport, screen);
    if (this.drawn?.scene !== scene) this.drawn = { scene, boxes: mapBoxes(scene) };
    return html`<svg
      aria-hidden="true"
      width=${width}
      height=${height}
      viewBox="0 0 ${scene.width} ${scene.height}"
      preserveAspectRatio="none"
      @pointerdown=${this.onPointer}
      @pointermove=${this.onPointer}
    >
      ${this.drawn.boxes}
      ${svg`<rect class="seen" x=${area.x} y=${area.y} width=${area.width} height=${area.height}></rect>`}
    </svg>`;
  }

  private readonly onPointer = (event: PointerEvent): void => {
    const { scene, viewport, screen } = this;
    if ((event.buttons & 1) === 0 || scene === undefined || viewport === undefined) return;
    const map = event.currentTarget;
    if (!(map instanceof Element)) return;
    map.setPointerCapture(event.pointerId);
    const bounds = map.getBoundingClientRect();
    const x = ((event.clientX - bounds.left) / bounds.width) * scene.width;
    const y = ((event.clientY - bounds.top) / bounds.height) * scene.height;
    const { zoom } = viewport;
    const detail: Viewport = { x: screen.width / 2 - x * zoom, y: screen.height / 2 - y * zoom, zoom };
    this.dispatchEvent(new CustomEvent('ni-graph-viewport', { detail }));
  };
}

function isNeeded(scene: Scene, { zoom }: Viewport, screen: Size): boolean {
  return (
    screen.width > 3 * mapSize.width &&
    screen.height > mapSize.height &&
    (scene.width * zoom > screen.width * neededBy || scene.height * zoom > screen.height * neededBy)
  );
}

function mapBoxes({ boxes }: Scene): unknown {
  return boxes.map(
    ({ x, y, width, height, isExpanded }) =>
      svg`<rect class=${isExpanded ? 'frame' : 'box'} x=${x} y=${y} width=${width} height=${height}></rect>`,
  );
}
