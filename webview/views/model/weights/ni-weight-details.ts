import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-toolbar-button/index.js';
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { formatBytes, formatNumber } from '../../../../src/protocol/formatReport.js';
import type { WeightInfo, WeightStatistics } from '../../../../src/protocol/structure.js';
import { baseStyles } from '../../../components/baseStyles.js';
import '../../../charts/ni-histogram.js';
import '../../../components/ni-empty.js';
import { t } from '../../../text.js';
import type { AskModel } from '../ni-model-page.js';
import { dimsText, elementCount } from './weightTable.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-weight-details': NiWeightDetails;
  }
  interface HTMLElementEventMap {
    'ni-close': CustomEvent<undefined>;
  }
}

/** Bins of a weight's histogram: fine enough to see a second hump, coarse enough to hit with the pointer. */
const binCount = 48;

/**
 * The numbers of one constant: read when it is shown, however large it is.
 *
 * @tag ni-weight-details
 *
 * @prop weight
 * @prop ask - Asks the host for its statistics.
 *
 * @fires ni-close - The person wants the list alone.
 */
@customElement('ni-weight-details')
export class NiWeightDetails extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      section {
        padding: 8px 12px;
      }
      .head {
        display: flex;
        align-items: flex-start;
        gap: 8px;
      }
      h2 {
        flex: 1 1 auto;
        min-width: 0;
        margin: 0;
        font-size: 1em;
        font-weight: 600;
        overflow-wrap: anywhere;
      }
      p {
        margin: 0 0 6px;
      }
      dl {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(16ch, 1fr));
        gap: 4px 12px;
        margin: 6px 0;
        font-variant-numeric: tabular-nums;
      }
      dt {
        color: var(--ni-muted);
      }
      dd {
        margin: 0;
      }
      .bad {
        color: var(--ni-error);
      }
    `,
  ];

  @property({ attribute: false }) weight: WeightInfo | undefined;
  @property({ attribute: false }) ask: AskModel | undefined;

  @state() private statistics: WeightStatistics | undefined;
  @state() private problem: string | undefined;

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('weight');
    if (changed.has('weight') && before?.name !== this.weight?.name) void this.load();
  }

  protected override render(): TemplateResult | typeof nothing {
    const { weight } = this;
    if (weight === undefined) return nothing;
    const { name, dtype, dims, sizeBytes, role } = weight;
    return html`<section aria-label=${t('Weight {0}', name)}>
      <div class="head">
        <h2>${name}</h2>
        <vscode-toolbar-button icon="close" label=${t('Close')} @click=${this.close}></vscode-toolbar-button>
      </div>
      <p class="muted">
        ${[
          role,
          dtype,
          dimsText(dims),
          t('{0} elements', formatNumber(elementCount(dims), 'count')),
          formatBytes(sizeBytes),
        ]
          .filter((part) => part !== '')
          .join(' · ')}
      </p>
      ${this.renderNumbers()}
    </section>`;
  }

  private renderNumbers(): TemplateResult {
    if (this.problem !== undefined) {
      return html`<ni-empty alert icon="error" .heading=${t('Its numbers cannot be read')}>
        ${this.problem}
        <vscode-button slot="action" @click=${this.load}>${t('Try again')}</vscode-button>
      </ni-empty>`;
    }
    const { statistics } = this;
    if (statistics === undefined) {
      return html`<p class="muted" role="status">${t('Reading its numbers…')}</p>`;
    }
    const { elementCount: count, zeroCount, nanCount, infiniteCount } = statistics;
    return html`
      <dl>
        ${figure(t('Minimum'), numberText(statistics.minimum))}
        ${figure(t('Maximum'), numberText(statistics.maximum))}
        ${figure(t('Mean'), numberText(statistics.mean))}
        ${figure(t('Standard deviation'), numberText(statistics.standardDeviation))}
        ${figure(t('Zeros'), shareText(zeroCount, count))}
        ${figure(t('NaN'), shareText(nanCount, count), nanCount > 0)}
        ${figure(t('Infinite'), shareText(infiniteCount, count), infiniteCount > 0)}
      </dl>
      ${notFinite(statistics)} ${this.renderHistogram(statistics)}
    `;
  }

  private renderHistogram({ name, edges, counts }: WeightStatistics): TemplateResult {
    if (counts.length === 0) return html`<p class="muted">${t('It holds no finite number.')}</p>`;
    return html`<ni-histogram
      zero
      .edges=${edges}
      .counts=${counts}
      .xTitle=${t('Value')}
      .yTitle=${t('Elements')}
      .label=${t('Distribution of {0}', name)}
    ></ni-histogram>`;
  }

  private readonly load = async (): Promise<void> => {
    const { weight, ask } = this;
    this.statistics = undefined;
    this.problem = undefined;
    if (weight === undefined || ask === undefined) return;
    try {
      const statistics = await ask({ kind: 'weight-statistics', name: weight.name, binCount });
      if (this.weight?.name === weight.name) this.statistics = statistics;
    } catch (error) {
      if (this.weight?.name !== weight.name) return;
      this.problem = error instanceof Error ? error.message : String(error);
    }
  };

  private readonly close = (): void => {
    this.dispatchEvent(new CustomEvent('ni-close'));
  };
}

function figure(label: string, value: string, isBad = false): TemplateResult {
  return html`<div>
    <dt>${label}</dt>
    <dd class=${isBad ? 'bad' : ''}>${value}</dd>
  </div>`;
}

function numberText(value: number | null): string {
  return value === null ? '–' : formatNumber(value);
}

/** 0 is "0 of N", never blank. */
function shareText(count: number, total: number): string {
  const text = t('{0} of {1}', formatNumber(count, 'count'), formatNumber(total, 'count'));
  return count === 0 || total === 0 ? text : `${text} (${formatNumber(count / total, 'percent')})`;
}

function notFinite({ nanCount, infiniteCount }: WeightStatistics): TemplateResult | typeof nothing {
  if (nanCount + infiniteCount === 0) return nothing;
  return html`<p class="bad">
    ${t('Numbers that are not finite spread to every output that they touch. Training probably diverged; go back to an earlier checkpoint.')}
  </p>`;
}
