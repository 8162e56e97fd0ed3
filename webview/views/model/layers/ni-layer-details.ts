import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { formatName } from '../../../../src/protocol/addressNames.js';
import { formatNumber } from '../../../../src/protocol/formatReport.js';
import type { StateSource } from '../../../../src/protocol/structure.js';
import type { LayerBadge } from '../../../../src/protocol/views/modelMessages.js';
import { baseStyles } from '../../../components/baseStyles.js';
import { valueOf } from '../../../components/table/tableEvents.js';
import { followLink } from '../../../links.js';
import { t } from '../../../text.js';
import { textButton } from '../textButton.js';
import { kindWords, type ModelLayer, shapeText } from './layerRows.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-layer-details': NiLayerDetails;
  }
  interface HTMLElementEventMap {
    'ni-show-layer': CustomEvent<{ readonly layer: string; readonly tab: 'layers' | 'graph' | 'weights' }>;
    'ni-open-result': CustomEvent<string>;
  }
}

/**
 * The chosen layer: what it is, what results say, and where to go from here.
 *
 * @tag ni-layer-details
 *
 * @prop layer
 * @prop states - Where the states of its units come from.
 * @prop badge - What the newest result says.
 *
 * @fires ni-show-layer - It is to be shown in the graph or among the weights.
 * @fires ni-open-result - The result behind the badge is to be opened.
 * @fires ni-link - A neuron is to be opened.
 */
@customElement('ni-layer-details')
export class NiLayerDetails extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      .details {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 6px 16px;
        padding: 8px 12px;
      }
      h2 {
        margin: 0;
        font-size: 1em;
        font-weight: 600;
        overflow-wrap: anywhere;
      }
      .what {
        flex: 1 1 30ch;
        min-width: 0;
      }
      .what p {
        margin: 0;
        color: var(--ni-muted);
        overflow-wrap: anywhere;
      }
      .ways {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 6px 10px;
      }
      .unit {
        display: flex;
        align-items: center;
        gap: 6px;
      }
      vscode-textfield {
        width: 9ch;
      }
      .warning {
        color: var(--ni-warning);
      }
    `,
  ];

  @property({ attribute: false }) layer: ModelLayer | undefined;
  @property({ attribute: false }) states: StateSource | undefined;
  @property({ attribute: false }) badge: LayerBadge | undefined;

  @state() private unit = '0';

  protected override render(): TemplateResult | typeof nothing {
    const { layer } = this;
    if (layer === undefined) return nothing;
    return html`<section class="details" aria-label=${t('Layer {0}', layer.name)}>
      <div class="what">
        <h2>${layer.name}</h2>
        <p>${this.factsOf(layer)}</p>
        ${this.renderStates(layer)}
      </div>
      <div class="ways">
        ${this.renderUnit(layer)}
        ${textButton(t('Show in graph'), () => {
          this.showIn('graph');
        })}
        ${
          layer.parameterCount > 0
            ? textButton(t('Show weights'), () => {
                this.showIn('weights');
              })
            : nothing
        }
      </div>
    </section>`;
  }

  private factsOf(layer: ModelLayer): string {
    const shape = shapeText(layer.shape);
    return [
      kindWords(layer),
      layer.unitCount === null ? '' : t('{0} units', formatNumber(layer.unitCount, 'count')),
      layer.parameterCount === 0 ? '' : t('{0} parameters', formatNumber(layer.parameterCount, 'count')),
      shape === '' ? '' : t('output {0}', shape),
      layer.path === layer.name ? '' : layer.path,
    ]
      .filter((fact) => fact !== '')
      .join(' · ');
  }

  private renderStates(layer: ModelLayer): TemplateResult | typeof nothing {
    const { badge, states } = this;
    if (badge !== undefined) {
      return html`<p>
        ${textButton(badge.text, () => {
          this.openResult(badge);
        })}
        ${badge.detail}
      </p>`;
    }
    if (states?.kind !== 'not-judged' || layer.kind === 'scope' || layer.kind === 'block') return nothing;
    return html`<p>
      ${t('Units not judged: {0}.', states.reason)}
      ${
        states.next === null
          ? nothing
          : textButton(t('Next activation: {0}', states.next), () => {
              this.showLayer(states.next ?? '');
            })
      }
    </p>`;
  }

  private renderUnit(layer: ModelLayer): TemplateResult | typeof nothing {
    const { unitCount } = layer;
    if (unitCount === null || unitCount === 0 || layer.kind === 'scope') return nothing;
    const last = unitCount - 1;
    return html`<span class="unit">
      <vscode-textfield
        type="number"
        min="0"
        max=${last}
        step="1"
        .label=${t('Unit, 0 to {0}', formatNumber(last, 'count'))}
        title=${t('0 to {0}', formatNumber(last, 'count'))}
        .value=${this.unit}
        @input=${this.onUnit}
        @keydown=${this.onUnitKey}
      ></vscode-textfield>
      <vscode-button secondary ?disabled=${this.address() === undefined} @click=${this.openUnit}
        >${t('Open neuron')}</vscode-button
      >
    </span>`;
  }

  private address(): string | undefined {
    const { layer, unit } = this;
    const number = Number(unit);
    const isUnit = /^\d+$/.test(unit.trim()) && number < (layer?.unitCount ?? 0);
    return layer === undefined || !isUnit ? undefined : `${formatName(layer.name)}[${String(number)}]`;
  }

  private readonly onUnit = (event: Event): void => {
    this.unit = valueOf(event);
  };

  private readonly onUnitKey = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') this.openUnit();
  };

  private readonly openUnit = (): void => {
    const address = this.address();
    if (address !== undefined) followLink(this, { kind: 'open-address', address });
  };

  private showIn(tab: 'graph' | 'weights'): void {
    this.tellShow(this.layer?.name ?? '', tab);
  }

  private showLayer(layer: string): void {
    this.tellShow(layer, 'layers');
  }

  private tellShow(layer: string, tab: 'layers' | 'graph' | 'weights'): void {
    const options = { detail: { layer, tab }, bubbles: true, composed: true };
    this.dispatchEvent(new CustomEvent('ni-show-layer', options));
  }

  private openResult({ resultId }: LayerBadge): void {
    const options = { detail: resultId, bubbles: true, composed: true };
    this.dispatchEvent(new CustomEvent('ni-open-result', options));
  }
}
