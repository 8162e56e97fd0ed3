import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { formatNumber } from '../../../src/protocol/formatReport.js';
import type { UnitWeights } from '../../../src/protocol/units.js';
import '../../charts/ni-histogram.js';
import type { HistogramState } from '../../charts/ni-histogram.js';
import { baseStyles } from '../../components/baseStyles.js';
import '../../components/ni-color-scale.js';
import '../../components/ni-heat-map.js';
import { t } from '../../text.js';
import { ThemeController } from '../../theme.js';
import './ni-enlarged.js';
import './ni-tiles.js';
import './ni-weight-rows.js';
import type { Tile } from './ni-tiles.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-unit-weights': NiUnitWeights;
  }
}

type Kernel = NonNullable<UnitWeights['kernels']>[number];

/** Side of a kernel among others, and enlarged, in pixels. */
const kernelSize = 48;
const enlargedSize = 280;

/**
 * The weights that lead into a neuron: how large they are, the kernels as pictures, the largest with where they come from.
 *
 * @tag ni-unit-weights
 *
 * @prop weights
 * @prop saved - How the histogram was left.
 *
 * @fires ni-histogram-state - How the histogram is left.
 * @fires ni-link - A source neuron was followed.
 */
@customElement('ni-unit-weights')
export class NiUnitWeights extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      .facts {
        display: flex;
        flex-wrap: wrap;
        gap: 0 16px;
        margin: 0 0 8px;
        padding: 0;
        list-style: none;
        font-variant-numeric: tabular-nums;
      }
      h3 {
        margin: 12px 0 4px;
        font-size: 1em;
        font-weight: 600;
      }
      .legend {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 20px;
        margin-bottom: 4px;
      }
    `,
  ];

  @property({ attribute: false }) weights!: UnitWeights;
  @property({ attribute: false }) saved: HistogramState = { isTable: false };

  @state() private enlarged: Kernel | undefined;

  constructor() {
    super();
    new ThemeController(this);
  }

  protected override render(): TemplateResult {
    const { weights } = this;
    const { histogram, kernels = [] } = weights;
    return html`
      ${this.renderFacts()} ${kernels.length === 0 ? nothing : this.renderKernels(kernels)}
      ${weights.largest.length === 0 ? nothing : this.renderLargest()}
      <h3>${t('How the weights are spread')}</h3>
      <ni-histogram
        .edges=${histogram.edges}
        .counts=${histogram.counts}
        .xTitle=${t('weight')}
        .yTitle=${t('weights')}
        .label=${t('Weights that lead into {0}', weights.address)}
        .saved=${this.saved}
        zero
      ></ni-histogram>
    `;
  }

  private renderFacts(): TemplateResult {
    const { dims, count, bias, biases, norm, normRank, unitCount, positiveShare, layer } = this.weights;
    const facts = [
      count === 1
        ? t('1 weight of {0}', layer)
        : t('{0} weights ({1}) of {2}', formatNumber(count, 'count'), dims.join(' × '), layer),
      t(
        'norm {0}, rank {1} of {2}',
        formatNumber(norm),
        formatNumber(normRank, 'count'),
        formatNumber(unitCount, 'count'),
      ),
      biasFact(bias, biases),
      t('{0} positive', formatNumber(positiveShare, 'percent')),
    ];
    return html`<ul class="facts">
      ${facts.map((fact) => html`<li>${fact}</li>`)}
    </ul>`;
  }

  private renderKernels(kernels: readonly Kernel[]): TemplateResult {
    const limit = limitOf(kernels);
    const inputCount = this.weights.dims[0] ?? kernels.length;
    const { enlarged } = this;
    return html`<h3>
        ${
          inputCount > kernels.length
            ? t('Kernels of the first {0} of {1} inputs', kernels.length, formatNumber(inputCount, 'count'))
            : t('Kernels')
        }
      </h3>
      <div class="legend"><ni-color-scale scale="diverging" .limit=${limit}></ni-color-scale></div>
      <ni-tiles
        .label=${t('Kernels of {0}', this.weights.address)}
        .size=${kernelSize}
        .tiles=${kernels.map((kernel) => kernelTile(kernel, limit))}
        @ni-tile=${(event: CustomEvent<number>) => {
          this.enlarged = kernels[event.detail];
        }}
      ></ni-tiles>
      <ni-enlarged
        .heading=${enlarged === undefined ? '' : t('Kernel of {0}', enlarged.from)}
        .content=${enlarged === undefined ? undefined : heatMap(enlarged, limit, true)}
        @ni-closed=${() => {
          this.enlarged = undefined;
        }}
      ></ni-enlarged>`;
  }

  private renderLargest(): TemplateResult {
    const { largest, kernels, dims } = this.weights;
    const isKernel = kernels !== undefined;
    const inputCount = dims[0] ?? largest.length;
    const heading =
      largest.length < inputCount
        ? t('Largest {0} of {1} inputs', largest.length, formatNumber(inputCount, 'count'))
        : t('Inputs by size');
    return html`<h3>${heading}</h3>
      <ni-weight-rows
        .rows=${largest}
        .fromLabel=${t('From')}
        .valueLabel=${isKernel ? t('Norm, signed') : t('Weight')}
      ></ni-weight-rows>`;
  }
}

function biasFact(bias: number | null, biases: readonly number[] | undefined): string {
  if (biases !== undefined) return t('biases {0}', biases.map((one) => formatNumber(one)).join(', '));
  return bias === null ? t('no bias') : t('bias {0}', formatNumber(bias));
}

function kernelTile(kernel: Kernel, limit: number): Tile {
  const low = formatNumber(Math.min(...kernel.values));
  const high = formatNumber(Math.max(...kernel.values));
  return {
    hiddenText: t(
      'Kernel of {0}: {1} × {2}, from {3} to {4}',
      kernel.from,
      kernel.width,
      kernel.height,
      low,
      high,
    ),
    picture: heatMap(kernel, limit, false),
    // The layer is the same for all; its unit is what tells them apart.
    captions: [unitCaption(kernel.from)],
  };
}

/** `[3]` for `conv1[3]`, `↺ [3]` for what a layer's own unit was one step before. */
function unitCaption(from: string): string {
  const [, unit, rest] = /(\[\d+\])(.*)$/u.exec(from) ?? [];
  if (unit === undefined) return from;
  return rest === '' ? unit : `↺ ${unit}`;
}

function heatMap({ from, width, height, values }: Kernel, limit: number, isLarge: boolean): TemplateResult {
  return html`<ni-heat-map
    .values=${values}
    .width=${width}
    .height=${height}
    .limit=${limit}
    .minSize=${isLarge ? enlargedSize : kernelSize}
    .label=${t('Kernel of {0}', from)}
    ?controls=${isLarge}
  ></ni-heat-map>`;
}

/** One scale for all kernels, so that they compare. */
function limitOf(kernels: readonly Kernel[]): number {
  const most = kernels.reduce(
    (outer, { values }) => values.reduce((inner, value) => Math.max(inner, Math.abs(value)), outer),
    0,
  );
  return most === 0 ? 1 : most;
}
