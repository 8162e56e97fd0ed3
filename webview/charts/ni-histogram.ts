import '@vscode-elements/elements/dist/vscode-toolbar-button/index.js';
import { html, LitElement, nothing, svg, type SVGTemplateResult, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { formatNumber } from '../../src/protocol/formatReport.js';
import { baseStyles } from '../components/baseStyles.js';
import '../components/ni-table.js';
import type { TableData } from '../components/table/tableData.js';
import { t } from '../text.js';
import { linearTicks, logTicks } from './axisTicks.js';
import { histogramStyles } from './histogramStyles.js';
import { countScale, type CountScale, needsLog } from './histogramScale.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-histogram': NiHistogram;
  }
  interface HTMLElementEventMap {
    'ni-histogram-state': CustomEvent<HistogramState>;
  }
}

/** How a person left a histogram. */
export interface HistogramState {
  readonly isTable: boolean;
  /** Undefined: as the counts need. */
  readonly isLog?: boolean | undefined;
}

/** Room around the plot: numbers and titles of the axes. */
const margin = { left: 58, right: 12, top: 8, bottom: 38 } as const;
const plotHeight = 130;
const widest = 620;
const narrowest = 200;

/**
 * A histogram with titles and numbers on its axes, drawn at once, and the same as a table. One bin that drowns the others
 * turns the counts logarithmic, which the axis says and a button undoes.
 *
 * @tag ni-histogram
 *
 * @prop edges - One more than counts, ascending.
 * @prop counts
 * @prop {string} xTitle - What is counted by.
 * @prop {string} yTitle - What is counted.
 * @prop {string} label - Accessible name.
 * @attr {boolean} zero - Marks 0 where the bins reach around it.
 * @prop saved - How it was left.
 *
 * @fires ni-histogram-state - Chart or table, linear or logarithmic.
 */
@customElement('ni-histogram')
export class NiHistogram extends LitElement {
  static override readonly styles = [baseStyles, histogramStyles];

  @property({ attribute: false }) edges: readonly number[] = [];
  @property({ attribute: false }) counts: readonly number[] = [];
  @property() xTitle = '';
  @property() yTitle = '';
  @property() label = '';
  @property({ type: Boolean }) zero = false;
  @property({ attribute: false }) saved: HistogramState = { isTable: false };

  @state() private width = 0;

  private readonly resized = new ResizeObserver(([entry]) => {
    if (entry !== undefined) this.width = Math.floor(entry.contentRect.width);
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.resized.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.resized.disconnect();
  }

  protected override render(): TemplateResult {
    if (this.counts.length === 0) {
      return html`<p class="muted">${t('There is no finite number to count.')}</p>`;
    }
    if (this.counts.length === 1) return this.renderConstant();
    const { isTable } = this.saved;
    return html`
      ${isTable ? html`<ni-table .label=${this.label} .table=${this.table()}></ni-table>` : this.renderChart()}
      <div class="tools">
        <vscode-toolbar-button
          @click=${() => {
            this.tell({ isTable: !isTable });
          }}
          ><span>${isTable ? t('Show as chart') : t('Show as table')}</span></vscode-toolbar-button
        >
        ${isTable ? nothing : this.renderLogButton()}
      </div>
    `;
  }

  /** Equal numbers have one bin around them. */
  private renderConstant(): TemplateResult {
    const [low = 0, high = 0] = this.edges;
    const count = formatNumber(this.total(), 'count');
    return html`<p>${t('All {0} {1} are {2}.', count, this.yTitle, formatNumber((low + high) / 2))}</p>`;
  }

  private renderLogButton(): TemplateResult {
    const isLog = this.isLog();
    return html`<vscode-toolbar-button
      @click=${() => {
        this.tell({ isLog: !isLog });
      }}
      ><span>${isLog ? t('Linear counts') : t('Logarithmic counts')}</span></vscode-toolbar-button
    >`;
  }

  private renderChart(): TemplateResult {
    const width = Math.max(narrowest, Math.min(widest, this.width));
    const plotWidth = width - margin.left - margin.right;
    const height = margin.top + plotHeight + margin.bottom;
    const scale = countScale(this.counts, this.isLog());
    const x = this.xScale(plotWidth);
    return html`<svg
      role="img"
      aria-label=${`${this.label}. ${this.summary()}`}
      width=${width}
      height=${height}
      viewBox="0 0 ${width} ${height}"
    >
      ${
        this.width === 0
          ? nothing
          : svg`<g transform="translate(${margin.left} ${margin.top})">
        ${this.renderCounts(scale, plotWidth)} ${this.renderBars(scale, x)} ${this.renderValues(x, plotWidth)}
      </g>`
      }
    </svg>`;
  }

  private renderBars(scale: CountScale, x: (value: number) => number): SVGTemplateResult[] {
    return this.counts.map((count, index) => {
      const left = x(this.edges[index] ?? 0);
      const barWidth = x(this.edges[index + 1] ?? 0) - left;
      const height = count > 0 ? Math.max(1.5, scale.heightOf(count) * plotHeight) : 0;
      // The whole column answers the pointer: bars of a few outputs are too low to hit.
      return svg`<g class="bin">
        <title>${this.binText(index)}</title>
        <rect class="column" x=${left} y="0" width=${barWidth} height=${plotHeight}></rect>
        <rect class="bar" x=${left} y=${plotHeight - height} width=${Math.max(0.5, barWidth - gapOf(barWidth))} height=${height}></rect>
      </g>`;
    });
  }

  private renderCounts(scale: CountScale, plotWidth: number): SVGTemplateResult {
    const ticks = scale.isLog
      ? logTicks(scale.highest, 5)
      : linearTicks(0, scale.highest, 4).filter(Number.isInteger);
    const title = scale.isLog ? t('{0}, logarithmic', this.yTitle) : this.yTitle;
    return svg`<g class="axis" aria-hidden="true">
      ${ticks.map((tick) => {
        const y = plotHeight * (1 - scale.heightOf(tick));
        return svg`<line class="grid" x1="0" x2=${plotWidth} y1=${y} y2=${y}></line>
          <text x="-6" y=${y} text-anchor="end" dominant-baseline="middle">${compact(tick)}</text>`;
      })}
      <text class="title" text-anchor="middle" transform="translate(${8 - margin.left} ${plotHeight / 2}) rotate(-90)" dominant-baseline="middle">${title}</text>
    </g>`;
  }

  private renderValues(x: (value: number) => number, plotWidth: number): SVGTemplateResult {
    const low = this.edges[0] ?? 0;
    const high = this.edges.at(-1) ?? 1;
    const ticks = linearTicks(low, high, Math.max(2, Math.floor(plotWidth / 80)));
    const hasZero = this.zero && low < 0 && high > 0;
    return svg`<g class="axis" aria-hidden="true">
      <line class="ground" x1="0" x2=${plotWidth} y1=${plotHeight} y2=${plotHeight}></line>
      ${hasZero ? svg`<line class="zero" x1=${x(0)} x2=${x(0)} y1="0" y2=${plotHeight}></line>` : nothing}
      ${ticks.map(
        (
          tick,
        ) => svg`<line class="ground" x1=${x(tick)} x2=${x(tick)} y1=${plotHeight} y2=${plotHeight + 4}></line>
          <text x=${x(tick)} y=${plotHeight + 15} text-anchor="middle">${formatNumber(tick)}</text>`,
      )}
      <text class="title" x=${plotWidth / 2} y=${plotHeight + 32} text-anchor="middle">${this.xTitle}</text>
    </g>`;
  }

  private xScale(plotWidth: number): (value: number) => number {
    const low = this.edges[0] ?? 0;
    const high = this.edges.at(-1) ?? 1;
    return (value) => ((value - low) / (high - low || 1)) * plotWidth;
  }

  private isLog(): boolean {
    return this.saved.isLog ?? needsLog(this.counts);
  }

  private binText(index: number): string {
    const count = this.counts[index] ?? 0;
    const share = count / Math.max(1, this.total());
    return t(
      '{0} to {1}: {2} ({3})',
      formatNumber(this.edges[index] ?? 0),
      formatNumber(this.edges[index + 1] ?? 0),
      formatNumber(count, 'count'),
      formatNumber(share, 'percent'),
    );
  }

  /** The chart in words: its range and where most of it is. */
  private summary(): string {
    const fullest = this.counts.indexOf(Math.max(...this.counts));
    const low = formatNumber(this.edges[0] ?? 0);
    const high = formatNumber(this.edges.at(-1) ?? 0);
    return t(
      '{0} bins from {1} to {2}; the fullest is {3}.',
      this.counts.length,
      low,
      high,
      this.binText(fullest),
    );
  }

  private total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  private table(): TableData {
    const total = Math.max(1, this.total());
    return {
      columns: [
        { key: 'from', label: t('From'), kind: 'number' },
        { key: 'to', label: t('To'), kind: 'number' },
        { key: 'count', label: t('Count'), kind: 'count' },
        { key: 'share', label: t('Share'), kind: 'bar' },
      ],
      rows: this.counts.map((count, index) => ({
        from: this.edges[index] ?? null,
        to: this.edges[index + 1] ?? null,
        count,
        share: count / total,
      })),
    };
  }

  private tell(change: Partial<HistogramState>): void {
    this.saved = { ...this.saved, ...change };
    this.dispatchEvent(new CustomEvent('ni-histogram-state', { detail: this.saved }));
  }
}

/** Bars stand apart where there is room. */
function gapOf(width: number): number {
  return width > 4 ? 1 : 0;
}

/** 12,000 as 12 k: the axis has little room, the table has the numbers. */
function compact(count: number): string {
  if (count >= 1e6) return `${formatNumber(count / 1e6)} M`;
  return count >= 1e4 ? `${formatNumber(count / 1e3)} k` : formatNumber(count, 'count');
}
