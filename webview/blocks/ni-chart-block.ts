import { html, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { ChartBlock } from '../../src/protocol/blocks.js';
import '../charts/ni-chart.js';
import type { ChartState } from '../charts/ni-chart.js';
import { baseStyles } from '../components/baseStyles.js';
import { t } from '../text.js';
import { BlockElement } from './blockElement.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-chart-block': NiChartBlock;
  }
}

/**
 * A chart of a report, with its data as a table behind a button.
 *
 * @tag ni-chart-block
 */
@customElement('ni-chart-block')
export class NiChartBlock extends BlockElement<ChartBlock> {
  static override readonly styles = [baseStyles];

  protected override render(): TemplateResult {
    const { block, context } = this;
    return html`<ni-chart
      .spec=${block.spec}
      .table=${block.table}
      .label=${block.title ?? t('Chart')}
      .alt=${block.alt ?? ''}
      .parts=${this.isPickable ? block.parts : undefined}
      .marked=${context.picked}
      @ni-chart-pick=${({ detail: { part, anchor } }: HTMLElementEventMap['ni-chart-pick']) => {
        context.pick?.(part, anchor);
      }}
      .saved=${context.state.read('chart')}
      @ni-chart-state=${(event: CustomEvent<ChartState>) => {
        this.context.state.set('chart', event.detail);
      }}
    ></ni-chart>`;
  }
}
