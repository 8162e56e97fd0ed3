import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-checkbox/index.js';
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { keyed } from 'lit/directives/keyed.js';
import { formatName } from '../../../../src/protocol/addressNames.js';
import { formatBytes, formatNumber } from '../../../../src/protocol/formatReport.js';
import type { WeightInfo } from '../../../../src/protocol/structure.js';
import type { ModelContent } from '../../../../src/protocol/views/modelMessages.js';
import { baseStyles } from '../../../components/baseStyles.js';
import '../../../components/ni-empty.js';
import '../../../components/ni-table.js';
import type { NiTable } from '../../../components/ni-table.js';
import type { TableData, TableState } from '../../../components/table/tableData.js';
import { t } from '../../../text.js';
import type { AskModel } from '../ni-model-page.js';
import './ni-weight-details.js';
import { isNotable, weightTable } from './weightTable.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-model-weights': NiModelWeights;
  }
  interface HTMLElementEventMap {
    'ni-weights-state': CustomEvent<WeightsState>;
  }
}

/** How the tab was left. */
export interface WeightsState {
  readonly table?: TableState;
  readonly hasAll?: boolean;
  /** Name of the constant that is looked at. */
  readonly chosen?: string | undefined;
}

/**
 * The constants of a model; the numbers of one are read when it is chosen.
 *
 * @tag ni-model-weights
 *
 * @prop content - The model.
 * @prop ask - Asks the host for the list and for statistics.
 * @prop saved - How the tab was left.
 *
 * @fires ni-weights-state - Something changed that is to be kept.
 * @fires ni-link - The address of a layer was followed.
 */
@customElement('ni-model-weights')
export class NiModelWeights extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        height: 100%;
        min-height: 0;
      }
      .top {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 16px;
        padding: 6px 12px 0;
      }
      .top p {
        margin: 0;
        color: var(--ni-muted);
      }
      .parts {
        display: flex;
        flex: 1 1 auto;
        flex-wrap: wrap;
        min-height: 0;
        overflow: auto;
      }
      .list {
        flex: 3 1 480px;
        min-width: 0;
        height: 100%;
        min-height: 200px;
        padding: 6px 12px;
      }
      ni-weight-details {
        flex: 2 1 320px;
        min-width: 0;
        max-height: 100%;
        overflow: auto;
        border-inline-start: 1px solid var(--ni-line);
      }
      /* Side by side each would be too narrow: what was chosen stands below, in sight. */
      @media (max-width: 820px) {
        .parts {
          flex-flow: column;
          overflow: hidden;
        }
        .list {
          flex: 1 1 40%;
          height: auto;
          min-height: 0;
        }
        ni-weight-details {
          flex: 0 1 60%;
          border-block-start: 1px solid var(--ni-line);
          border-inline-start: 0;
        }
      }
      .state {
        padding: 12px;
      }
    `,
  ];

  @property({ attribute: false }) content: ModelContent | undefined;
  @property({ attribute: false }) ask: AskModel | undefined;
  @property({ attribute: false }) saved: WeightsState = {};

  @state() private weights: readonly WeightInfo[] | undefined;
  @state() private problem: string | undefined;
  @state() private hasAll = false;
  @state() private chosen: string | undefined;
  @state() private tableVersion = 0;

  @query('ni-table') private readonly tableElement!: NiTable | null;

  private shown: readonly WeightInfo[] = [];
  private table: TableData | undefined;
  private tableState: TableState | undefined;
  private awaitedLayer: string | undefined;

  /** Puts the cursor into the filter. */
  focusSearch(): void {
    this.tableElement?.shadowRoot?.querySelector<HTMLElement>('vscode-textfield')?.focus();
  }

  /** Shows the weights of one layer: the largest is chosen. */
  showLayer(layer: string): void {
    this.awaitedLayer = layer;
    this.chooseAwaited();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!this.hasUpdated) {
      this.hasAll = this.saved.hasAll === true;
      this.chosen = this.saved.chosen;
      this.tableState = this.saved.table;
    }
    if (changed.has('content')) {
      this.weights = undefined;
      this.table = undefined;
      void this.load();
    }
  }

  protected override render(): TemplateResult | typeof nothing {
    if (this.problem !== undefined) return this.renderProblem(this.problem);
    if (this.weights === undefined) {
      return html`<p class="state muted" role="status">${t('Listing the weights…')}</p>`;
    }
    const chosen = this.weights.find(({ name }) => name === this.chosen);
    return html`
      <div class="top">
        <vscode-checkbox ?checked=${this.hasAll} @change=${this.onAll}
          >${t('Shapes, scalars and other small constants too')}</vscode-checkbox
        >
        <p>${this.summary(this.weights)}</p>
      </div>
      <div class="parts">
        <div class="list">${keyed(this.tableVersion, this.renderTable(this.weights))}</div>
        ${
          chosen === undefined
            ? nothing
            : html`<ni-weight-details
                .weight=${chosen}
                .ask=${this.ask}
                @ni-close=${this.onClose}
              ></ni-weight-details>`
        }
      </div>
    `;
  }

  private renderTable(weights: readonly WeightInfo[]): TemplateResult {
    return html`<ni-table
      fill
      .label=${t('Weights')}
      .table=${this.tableOf(weights)}
      .saved=${this.tableState}
      @ni-table-row=${this.onRow}
      @ni-table-state=${this.onTableState}
    ></ni-table>`;
  }

  private renderProblem(problem: string): TemplateResult {
    return html`<div class="state">
      <ni-empty alert icon="error" .heading=${t('The weights cannot be listed')}>
        ${problem}
        <vscode-button slot="action" @click=${this.load}>${t('Try again')}</vscode-button>
      </ni-empty>
    </div>`;
  }

  private summary(weights: readonly WeightInfo[]): string {
    const sizeBytes = weights.reduce((sum, weight) => sum + weight.sizeBytes, 0);
    const size = formatBytes(sizeBytes);
    return weights.length === 1
      ? t('1 constant, {0}. Choose it to see its numbers.', size)
      : t('{0} constants, {1}. Choose one to see its numbers.', formatNumber(weights.length, 'count'), size);
  }

  /** Made anew only when it holds other rows: a table keeps its place as long as it is the same. */
  private tableOf(weights: readonly WeightInfo[]): TableData {
    if (this.table === undefined) {
      this.shown = this.hasAll ? weights : weights.filter(isNotable);
      this.table = weightTable(
        this.shown.map((weight) =>
          weight.layer === null ? weight : { ...weight, layer: formatName(weight.layer) },
        ),
      );
    }
    return this.table;
  }

  private readonly load = async (): Promise<void> => {
    const { content, ask } = this;
    this.problem = undefined;
    if (content === undefined || ask === undefined) return;
    try {
      const weights = await ask({ kind: 'weights' });
      if (this.content !== content) return;
      this.weights = weights;
      this.chooseAwaited();
    } catch (error) {
      if (this.content === content) this.problem = error instanceof Error ? error.message : String(error);
    }
  };

  private chooseAwaited(): void {
    if (this.awaitedLayer === undefined || this.weights === undefined) return;
    const layer = this.awaitedLayer;
    this.awaitedLayer = undefined;
    const inside = this.weights.filter((weight) => weight.layer === layer || isInside(weight.layer, layer));
    const [largest] = [...inside].sort((a, b) => b.sizeBytes - a.sizeBytes);
    if (largest === undefined) return;
    this.chosen = largest.name;
    this.tableState = { ...this.tableState, filter: layer, pick: undefined, scrollTop: 0 };
    // A table reads how it was left before its first drawing only.
    this.tableVersion++;
    this.keep();
  }

  private keep(): void {
    const detail: WeightsState = {
      ...(this.tableState === undefined ? {} : { table: this.tableState }),
      ...{ hasAll: this.hasAll, chosen: this.chosen },
    };
    this.dispatchEvent(new CustomEvent('ni-weights-state', { detail }));
  }

  private readonly onAll = (event: Event): void => {
    const { currentTarget } = event;
    this.hasAll = currentTarget !== null && 'checked' in currentTarget && currentTarget.checked === true;
    this.table = undefined;
    this.keep();
  };

  private readonly onRow = (event: HTMLElementEventMap['ni-table-row']): void => {
    this.chosen = this.shown[event.detail.index]?.name;
    this.keep();
  };

  private readonly onTableState = (event: HTMLElementEventMap['ni-table-state']): void => {
    this.tableState = event.detail;
    this.keep();
  };

  private readonly onClose = (): void => {
    this.chosen = undefined;
    this.keep();
  };
}

function isInside(layer: string | null, scope: string): boolean {
  return layer?.startsWith(`${scope}.`) === true;
}
