import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-icon/index.js';
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import type { ModelGraph } from '../../../src/protocol/structure.js';
import type {
  ModelAsk,
  ModelContent,
  ModelFacts,
  ModelProblem,
  ModelProtocol,
  ModelShow,
} from '../../../src/protocol/views/modelMessages.js';
import '../../components/ni-empty.js';
import type { PageState } from '../../pageState.js';
import { t } from '../../text.js';
import type { NiModelGraph } from './graph/ni-model-graph.js';
import './graph/ni-model-graph.js';
import type { NiModelLayers } from './layers/ni-model-layers.js';
import './layers/ni-model-layers.js';
import { metadataPart } from './metadataPart.js';
import { modelHeader } from './modelHeader.js';
import { type ModelTab, modelTabs, tabBar } from './modelTabs.js';
import { warningNodes } from './warningNodes.js';
import './ni-model-operators.js';
import type { NiModelWeights } from './weights/ni-model-weights.js';
import './weights/ni-model-weights.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-model-page': NiModelPage;
  }
}

/** Asks the host; rejects with an Error whose message a person can read. */
export type AskModel = <A extends ModelAsk>(question: A) => Promise<ModelProtocol['answers'][A['kind']]>;

const nothingKnown: ModelFacts = { kind: 'facts', badges: {}, metrics: [], canRun: true };

/**
 * An opened model: what it is in three lines, and its layers, graph, operators, weights and metadata in tabs. Graph and
 * weights are asked for when their tab is first opened.
 *
 * @tag ni-model-page
 *
 * @prop state - State of the parts, kept over reloads.
 * @prop ask - Asks the host.
 * @prop tell - Tells the host.
 */
@customElement('ni-model-page')
export class NiModelPage extends LitElement {
  @property({ attribute: false }) state: PageState | undefined;
  @property({ attribute: false }) ask: AskModel = () => Promise.reject(new Error('The page has no host.'));
  @property({ attribute: false }) tell: (message: ModelProtocol['tell']) => void = () => undefined;

  @state() private content:
    Extract<ModelShow, { readonly kind: 'reading' }> | ModelProblem | ModelContent | undefined;
  @state() private facts: ModelFacts = nothingKnown;
  @state() private stale: Extract<ModelShow, { readonly kind: 'stale' }> | undefined;
  @state() private tab: ModelTab = 'layers';
  /** Tabs that were opened: their content stays, so that going back to them is at once. */
  @state() private opened: ReadonlySet<ModelTab> = new Set();

  @query('ni-model-layers') private readonly layers!: NiModelLayers | null;
  @query('ni-model-graph') private readonly graph!: NiModelGraph | null;
  @query('ni-model-weights') private readonly weights!: NiModelWeights | null;

  @state() private warningNodes: readonly (string | undefined)[] = [];

  private graphAnswer: Promise<ModelGraph> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    const saved = this.state?.read('tab');
    this.tab = modelTabs.find((tab) => tab === saved) ?? 'layers';
    this.opened = new Set([this.tab]);
    document.addEventListener('keydown', this.onKeyDown);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener('keydown', this.onKeyDown);
  }

  /** Takes what the host shows. */
  show(show: ModelShow): void {
    switch (show.kind) {
      case 'facts':
        this.facts = show;
        return;
      case 'stale':
        this.stale = show;
        return;
      case 'reveal':
        void this.reveal(show.layer);
        return;
      case 'reading':
      case 'problem':
      case 'model':
        this.stale = undefined;
        this.content = show;
        this.graphAnswer = undefined;
        this.warningNodes = [];
        if (show.kind === 'model') void this.findWarningNodes(show);
        return;
    }
  }

  /** In the page itself, so that the page's style sheet reaches it. */
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override render(): TemplateResult | typeof nothing {
    const { content } = this;
    if (content === undefined) return nothing;
    if (content.kind === 'problem') return this.renderProblem(content);
    if (content.kind === 'reading') {
      return html`<p class="model-problem muted" role="status">${t('Reading {0}…', content.name)}</p>`;
    }
    return html`
      ${this.renderStale(content)}
      ${modelHeader(content, {
        canRun: this.facts.canRun,
        tell: this.tell,
        find: (text) => void this.findInGraph(text),
        warningNodes: this.warningNodes,
      })}
      ${tabBar(this.tab, countsOf(content), this.choose)}
      ${modelTabs.map((tab) => this.renderPanel(tab, content))}
    `;
  }

  private renderProblem({ name, message, canRetry }: ModelProblem): TemplateResult {
    return html`<main class="model-problem">
      <ni-empty alert icon="error" .heading=${t('{0} cannot be shown', name)}>
        ${message}
        <div slot="action" class="ways">
          ${canRetry ? html`<vscode-button @click=${this.reload}>${t('Try again')}</vscode-button>` : nothing}
          <vscode-button
            secondary
            @click=${() => {
              this.tell({ kind: 'open-otherwise' });
            }}
            >${t('Open with…')}</vscode-button
          >
        </div>
      </ni-empty>
    </main>`;
  }

  private renderStale({ name }: ModelContent): TemplateResult | typeof nothing {
    const { stale } = this;
    if (stale === undefined) return nothing;
    return html`<div class="bar" role="status">
      <vscode-icon name="warning" aria-hidden="true"></vscode-icon>
      <span>
        ${
          stale.isGone
            ? t('{0} is gone from the disk. What you see is how it was.', name)
            : t('{0} changed on disk. What you see is how it was.', name)
        }
      </span>
      <vscode-button @click=${this.reload}>${stale.isGone ? t('Look again') : t('Reload')}</vscode-button>
    </div>`;
  }

  private renderPanel(tab: ModelTab, content: ModelContent): TemplateResult {
    const isShown = tab === this.tab;
    return html`<div
      id="panel-${tab}"
      class="model-panel ${tab === 'metadata' ? 'scrolls' : ''}"
      role="tabpanel"
      aria-labelledby="tab-${tab}"
      tabindex=${tab === 'metadata' ? 0 : nothing}
      ?hidden=${!isShown}
      @ni-show-layer=${this.onShowLayer}
      @ni-show-operator=${this.onShowOperator}
      @ni-open-result=${this.onOpenResult}
    >
      ${isShown || this.opened.has(tab) ? this.renderTab(tab, content) : nothing}
    </div>`;
  }

  private renderTab(tab: ModelTab, content: ModelContent): TemplateResult {
    const { inspection } = content;
    switch (tab) {
      case 'layers':
        return html`<ni-model-layers
          .layers=${inspection.layers}
          .states=${content.states}
          .badges=${this.facts.badges}
          .parameterCount=${inspection.parameterCount}
          .saved=${this.state?.read('layers') ?? {}}
          @ni-layers-state=${this.keep('layers')}
        ></ni-model-layers>`;
      case 'graph':
        return html`<ni-model-graph
          .content=${content}
          .load=${() => this.askGraph()}
          .facts=${this.facts}
          .isVisible=${this.tab === 'graph'}
          .saved=${this.state?.read('graph') ?? {}}
          @ni-graph-state=${this.keep('graph')}
        ></ni-model-graph>`;
      case 'operators':
        return html`<ni-model-operators
          .operators=${inspection.operators}
          .saved=${this.state?.read('operators')}
          @ni-operators-state=${this.keep('operators')}
        ></ni-model-operators>`;
      case 'weights':
        return html`<ni-model-weights
          .content=${content}
          .ask=${this.ask}
          .saved=${this.state?.read('weights') ?? {}}
          @ni-weights-state=${this.keep('weights')}
        ></ni-model-weights>`;
      case 'metadata':
        return metadataPart(content);
    }
  }

  private askGraph(): Promise<ModelGraph> {
    const asked = this.graphAnswer ?? this.ask({ kind: 'graph' });
    this.graphAnswer = asked;
    asked.catch(() => {
      // Another try asks anew.
      if (this.graphAnswer === asked) this.graphAnswer = undefined;
    });
    return asked;
  }

  /** A graph that cannot be read says so where it is to be seen; here it has only no link to offer. */
  private async findWarningNodes(content: ModelContent): Promise<void> {
    const { warnings } = content.inspection;
    if (warnings.length === 0) return;
    const graph = await this.askGraph().catch(() => undefined);
    if (graph !== undefined && this.content === content) this.warningNodes = warningNodes(warnings, graph);
  }

  private keep(part: string): (event: CustomEvent<unknown>) => void {
    return (event) => {
      this.state?.set(part, event.detail);
    };
  }

  private readonly choose = (tab: ModelTab): void => {
    this.tab = tab;
    this.opened = new Set([...this.opened, tab]);
    this.state?.set('tab', tab);
  };

  private async openTab(tab: ModelTab): Promise<void> {
    this.choose(tab);
    await this.updateComplete;
  }

  /** In the graph when that is in front, among the layers otherwise. */
  private async reveal(layer: string): Promise<void> {
    await this.showLayer(layer, this.tab === 'graph' ? 'graph' : 'layers');
  }

  private async showLayer(layer: string, tab: 'layers' | 'graph' | 'weights'): Promise<void> {
    await this.openTab(tab);
    if (tab === 'layers') this.layers?.reveal(layer);
    else if (tab === 'graph') await this.graph?.revealLayer(layer);
    else this.weights?.showLayer(layer);
  }

  private async findInGraph(text: string): Promise<void> {
    await this.openTab('graph');
    await this.graph?.find(text);
  }

  private readonly reload = (): void => {
    this.tell({ kind: 'reload' });
  };

  private readonly onShowLayer = (event: HTMLElementEventMap['ni-show-layer']): void => {
    void this.showLayer(event.detail.layer, event.detail.tab);
  };

  private readonly onShowOperator = (event: CustomEvent<string>): void => {
    void this.findInGraph(`op:${event.detail}`);
  };

  private readonly onOpenResult = (event: CustomEvent<string>): void => {
    this.tell({ kind: 'open-result', resultId: event.detail });
  };

  /** The editor's own find would only see the lines that are drawn. */
  private readonly onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'f' || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    const part = { layers: this.layers, graph: this.graph, weights: this.weights }[
      this.tab as 'layers' | 'graph' | 'weights'
    ] as { focusSearch(): void } | null | undefined;
    if (part === undefined || part === null) return;
    event.preventDefault();
    part.focusSearch();
  };
}

function countsOf({ inspection }: ModelContent): Partial<Record<ModelTab, number>> {
  const { nodeCount, subgraphNodeCount } = inspection;
  return {
    layers: inspection.layers.filter(({ parameterCount, kind }) => parameterCount > 0 && kind !== 'scope')
      .length,
    graph: nodeCount + subgraphNodeCount,
    operators: Object.keys(inspection.operators).length,
  };
}
