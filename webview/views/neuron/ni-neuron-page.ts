import '@vscode-elements/elements/dist/vscode-button/index.js';
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, query } from 'lit/decorators.js';
import type {
  NeuronPlace,
  NeuronProblem,
  NeuronTell,
  NeuronTrail,
  WeightsState,
} from '../../../src/protocol/views/neuronMessages.js';
import type { HistogramState } from '../../charts/ni-histogram.js';
import '../../components/ni-empty.js';
import { applyStyle } from '../../applyStyle.js';
import { t } from '../../text.js';
import { distributionPart } from './distributionPart.js';
import { examplesPart } from './examplesPart.js';
import { measurementPart } from './measurementPart.js';
import { isSettling, type NeuronContent } from './neuronContent.js';
import { linksPart } from './linksPart.js';
import './ni-neuron-heading.js';
import './ni-unit-weights.js';
import type { NiNeuronHeading } from './ni-neuron-heading.js';
import { pageKey } from './pageKey.js';
import { rolePart } from './rolePart.js';
import { sentenceOf, summaryPart } from './summaryPart.js';
import { tokensPart } from './tokensPart.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-neuron-page': NiNeuronPage;
  }
}

/** How a person left the page; the same for all neurons. */
export interface NeuronLook {
  readonly opacity: number;
  readonly histograms: Readonly<Record<string, HistogramState>>;
}

/**
 * A neuron as a page: what and where it is, a sentence about it, how its outputs are spread, the samples that excite it,
 * the weights that lead into it and out of it, the neurons like it, what the model loses without it, the tokens that it makes likelier. j and k, or the arrow keys, walk through its layer.
 *
 * @tag ni-neuron-page
 *
 * @prop content - What the host shows.
 * @prop look - How the person left the page.
 * @prop act - Tells the host.
 * @prop goTo - Asks the host to go to a unit or address; rejects with the reason.
 *
 * @fires ni-look - The look changed.
 * @fires ni-link - A link was followed.
 */
@customElement('ni-neuron-page')
export class NiNeuronPage extends LitElement {
  @property({ attribute: false }) content: NeuronContent | undefined;
  @property({ attribute: false }) look: NeuronLook = { opacity: 0.7, histograms: {} };
  @property({ attribute: false }) act: (tell: NeuronTell) => void = () => undefined;
  @property({ attribute: false }) goTo: (text: string) => Promise<unknown> = () => Promise.resolve();

  @query('ni-neuron-heading') private readonly heading!: NiNeuronHeading | null;
  /** Height of the page before a neuron began to load: kept until it has, or the page would jump at every step. */
  private keptHeight = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener('keydown', this.onKeyDown);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('keydown', this.onKeyDown);
  }

  /** In the page itself, so that the page's style sheet reaches it and it scrolls as a document. */
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('content')) return;
    const before = changed.get('content');
    const { content } = this;
    if (content === undefined || !isSettling(content)) this.keptHeight = 0;
    else if (before !== undefined && !isSettling(before)) this.keptHeight = this.offsetHeight;
  }

  protected override render(): TemplateResult {
    const { content } = this;
    if (content?.problem !== undefined) return this.renderProblem(content.problem, content.trail);
    if (content?.place === undefined) return html``;
    const { place, trail } = content;
    return html`<main
      aria-busy=${isSettling(content)}
      ${applyStyle({ 'min-height': `${String(this.keptHeight)}px` })}
    >
      <ni-neuron-heading
        .place=${place}
        .trail=${trail}
        .act=${this.act}
        .goTo=${this.goTo}
      ></ni-neuron-heading>
      ${summaryPart(content, place, this.act)} ${this.renderPanels(content, place)}
      <div class="hidden-text" role="status">
        ${isSettling(content) ? '' : `${place.address}: ${sentenceOf(content)}`}
      </div>
    </main>`;
  }

  private renderPanels(content: NeuronContent, place: NeuronPlace): TemplateResult {
    const { shown, facts, measurement, startedMs } = content;
    const measuring = measurementPart({
      address: place.address,
      state: measurement,
      hasProfile: shown !== null,
      hasFacts: facts !== null,
      startedMs,
      act: this.act,
    });
    return html`
      <div class="measuring">${measuring}</div>
      <div class="panels">
        ${distributionPart(content, { look: this.look, setHistogram: this.setHistogram })}
        ${examplesPart(content, { look: this.look, setOpacity: this.setOpacity })}
        ${rolePart(content, place, this.act)} ${tokensPart(content.tokens, place)}
        ${this.renderWeights(content.weights)} ${linksPart(content.links)}
      </div>
    `;
  }

  private renderWeights(state: WeightsState): TemplateResult | typeof nothing {
    if (state.kind === 'reading') return nothing;
    return html`<section class="weights">
      <h2>${t('Weights in')}</h2>
      ${
        state.kind === 'none'
          ? html`<p class="muted">${state.reason}</p>`
          : html`<ni-unit-weights
              .weights=${state.weights}
              .saved=${this.look.histograms['weights'] ?? { isTable: false }}
              @ni-histogram-state=${(event: CustomEvent<HistogramState>) => {
                this.setHistogram('weights', event.detail);
              }}
            ></ni-unit-weights>`
      }
    </section>`;
  }

  private renderProblem(problem: NeuronProblem, { addresses, index }: NeuronTrail): TemplateResult {
    const { address, modelName, kind, message, suggestions } = problem;
    const before = addresses[index - 1];
    const headings = {
      unknown: t('{0} has no neuron {1}', modelName, address),
      'no-units': t('{0} has no units', address),
      model: t('{0} cannot be read', modelName),
    };
    return html`<main>
      <ni-empty alert icon="error" .heading=${headings[kind]}
        >${message}
        <div slot="action" class="buttons">
          ${suggestions.map((one, place) =>
            this.renderButton(t('Go to {0}', one), { kind: 'open-address', address: one }, place > 0),
          )}
          ${before === undefined ? nothing : this.renderButton(t('Back to {0}', before), { kind: 'travel', by: -1 }, true)}
          ${this.renderButton(t('Open {0}', modelName), { kind: 'open-model' }, true)}
        </div></ni-empty
      >
    </main>`;
  }

  private renderButton(label: string, tell: NeuronTell, isSecondary: boolean): TemplateResult {
    return html`<vscode-button
      ?secondary=${isSecondary}
      @click=${() => {
        this.act(tell);
      }}
      >${label}</vscode-button
    >`;
  }

  private readonly setHistogram = (name: string, state: HistogramState): void => {
    this.setLook({ ...this.look, histograms: { ...this.look.histograms, [name]: state } });
  };

  private readonly setOpacity = (opacity: number): void => {
    this.setLook({ ...this.look, opacity });
  };

  private setLook(look: NeuronLook): void {
    this.look = look;
    this.dispatchEvent(new CustomEvent('ni-look'));
  }

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    const key = pageKey(event);
    if (key === undefined || this.content?.place === undefined) return;
    event.preventDefault();
    if (key === 'go-to') this.heading?.focusField();
    else this.act({ kind: 'step', by: key === 'next' ? 1 : -1 });
  };
}
