import '@vscode-elements/elements/dist/vscode-button/index.js';
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import type { ModelGraph } from '../../../../src/protocol/structure.js';
import type { LayerMetric, ModelContent, ModelFacts } from '../../../../src/protocol/views/modelMessages.js';
import { baseStyles } from '../../../components/baseStyles.js';
import '../../../components/ni-empty.js';
import { t } from '../../../text.js';
import { BoxText, boxTitle } from './boxText.js';
import { isBox, type Scene } from './graphLayout.js';
import { graphNotice, type Notice } from './graphNotice.js';
import { GraphSession, type Opening } from './graphSession.js';
import type { GraphStep } from './graphStep.js';
import { graphStyles } from './graphStyles.js';
import { graphTools } from './graphTools.js';
import type { ItemId } from './graphTree.js';
import { type Heat, layerHeat } from './layerHeat.js';
import { LayoutStopped, LayoutWorker } from './layoutWorker.js';
import './ni-graph-panel.js';
import './ni-graph-results.js';
import type { NiGraphView } from './ni-graph-view.js';
import './ni-graph-view.js';
import type { Viewport } from './viewport.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-model-graph': NiModelGraph;
  }
  interface HTMLElementEventMap {
    'ni-graph-state': CustomEvent<GraphState>;
  }
}

/** How the graph was left; kept over hiding and reloads. */
export interface GraphState {
  /** Tells whether the numbers below are of this graph. */
  readonly nodeCount?: number;
  readonly expanded?: readonly ItemId[];
  readonly chosen?: ItemId | undefined;
  readonly viewport?: Viewport | undefined;
  readonly search?: string;
  readonly metric?: string | undefined;
}

/** Work that is done sooner is not worth a notice. */
const noticeDelayMs = 300;

/**
 * The graph of a model: modules that open in place, a search, and what is known of the chosen box.
 *
 * @tag ni-model-graph
 *
 * @prop content - The model.
 * @prop load - Asks the host for the graph.
 * @prop facts - What results say: numbers for each layer.
 * @prop isVisible - The tab is in front; nothing is asked for before.
 * @prop saved - How it was left; read once.
 *
 * @fires ni-graph-state - Something changed that is to be kept.
 * @fires ni-show-layer - A layer is to be shown in another tab.
 * @fires ni-link - A neuron is to be opened.
 */
@customElement('ni-model-graph')
export class NiModelGraph extends LitElement {
  static override readonly styles = [baseStyles, graphStyles];

  @property({ attribute: false }) content: ModelContent | undefined;
  @property({ attribute: false }) load: () => Promise<ModelGraph> = () =>
    Promise.reject(new Error('No host.'));
  @property({ attribute: false }) facts: ModelFacts | undefined;
  @property({ attribute: false }) isVisible = false;
  @property({ attribute: false }) saved: GraphState = {};

  @state() private session: GraphSession | undefined;
  @state() private scene: Scene | undefined;
  @state() private expanded: ReadonlySet<ItemId> = new Set();
  @state() private chosen: ItemId | undefined;
  @state() private search = '';
  @state() private results: readonly ItemId[] = [];
  @state() private metricId: string | undefined;
  @state() private notice: Notice | undefined;
  @state() private problem: string | undefined;

  @query('ni-graph-view') private readonly view!: NiGraphView | null;

  private readonly worker = new LayoutWorker();
  private readonly text = new BoxText();
  private viewport: Viewport | undefined;
  private loading: Promise<void> | undefined;
  private heat: ReadonlyMap<ItemId, Heat> = new Map();
  private hot: ReadonlySet<string> = new Set();
  private found: ReadonlySet<ItemId> = new Set();
  /** Counts what was asked to be drawn: of several, the last is. */
  private asked = 0;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.worker.stop();
  }

  /** Puts the cursor into the search field. */
  focusSearch(): void {
    this.renderRoot.querySelector<HTMLElement>('vscode-textfield')?.focus();
  }

  /** Searches, and goes to the first result. */
  async find(text: string): Promise<void> {
    await this.ready();
    this.setSearch(text);
    const [first] = this.results;
    if (first !== undefined) await this.reveal(first);
  }

  /** Chooses a layer and brings it into view. */
  async revealLayer(layer: string): Promise<void> {
    await this.ready();
    const item = this.session?.ofLayer(layer);
    if (item !== undefined) await this.reveal(item);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('content') && changed.get('content') !== undefined) this.forget();
    if (this.isVisible && this.loading === undefined) this.loading = this.open();
    const { session, chosen } = this;
    const metric = this.metric();
    const all = changed as PropertyValues;
    if (all.has('facts') || all.has('metricId') || all.has('session')) {
      this.heat = session === undefined || metric === undefined ? new Map() : layerHeat(session.tree, metric);
    }
    if (all.has('chosen') || all.has('session')) {
      this.hot = session === undefined || chosen === undefined ? new Set() : session.neighbours.lines(chosen);
    }
    if (all.has('results') || all.has('expanded')) {
      this.found = new Set(this.results.map((item) => session?.visible(item, this.expanded) ?? item));
    }
  }

  protected override render(): TemplateResult {
    if (this.problem !== undefined) return this.renderProblem(this.problem);
    const { session, scene } = this;
    if (session === undefined || scene === undefined) {
      return html`<p class="waiting muted" role="status">${t('Drawing the graph…')}</p>`;
    }
    return html`${this.renderTools(session)}
      <div class="parts">
        <div class="drawing">
          ${this.renderNotice(session)}
          <ni-graph-view
            .scene=${scene}
            .text=${this.text}
            .chosen=${this.chosen}
            .found=${this.found}
            .hot=${this.hot}
            .heat=${this.heat}
            .describe=${this.describe}
            .label=${t('Graph of {0}', this.content?.name ?? '')}
            .viewport=${this.viewport}
            @ni-graph-choose=${this.onChoose}
            @ni-graph-toggle=${this.onToggle}
            @ni-graph-go=${this.onGo}
            @ni-graph-viewport=${this.onViewport}
          ></ni-graph-view>
        </div>
        ${this.renderPanel(session)}
      </div>`;
  }

  private renderTools(session: GraphSession): TemplateResult {
    return graphTools({
      ...{ search: this.search, resultCount: this.results.length, current: this.currentResult() },
      ...{ metrics: this.facts?.metrics ?? [], metric: this.metric() },
      ...{ canOpenAll: session.everything().kind === 'open', isAllClosed: this.expanded.size === 0 },
      onSearch: (text) => {
        this.setSearch(text);
      },
      onResult: (by) => void this.goToResult(by),
      onMetric: (id) => {
        this.metricId = id;
        this.keep();
      },
      onView: (what) => void this.onView(what),
    });
  }

  private renderPanel(session: GraphSession): TemplateResult {
    const { chosen } = this;
    return html`<aside aria-label=${t('About the graph')} tabindex="0">
      ${
        this.search.trim() === ''
          ? nothing
          : html`<ni-graph-results
              .results=${this.results.map((id) => session.tree.item(id))}
              .current=${chosen}
              @ni-graph-reveal=${this.onReveal}
            ></ni-graph-results>`
      }
      <ni-graph-panel
        .session=${session}
        .chosen=${chosen}
        .content=${this.content}
        .heat=${this.heatText()}
        ?expanded=${chosen !== undefined && this.expanded.has(chosen)}
        @ni-graph-reveal=${this.onReveal}
        @ni-graph-toggle=${this.onToggle}
      ></ni-graph-panel>
    </aside>`;
  }

  private renderProblem(problem: string): TemplateResult {
    return html`<div class="waiting">
      <ni-empty alert icon="error" .heading=${t('The graph cannot be drawn')}>
        ${problem}
        <vscode-button slot="action" @click=${this.tryAgain}>${t('Try again')}</vscode-button>
      </ni-empty>
    </div>`;
  }

  private renderNotice(session: GraphSession): TemplateResult | typeof nothing {
    return graphNotice(this.notice, {
      item: (id) => session.tree.item(id),
      stop: this.stop,
      dismiss: () => {
        this.notice = undefined;
      },
      openAlone: (id) => void this.draw(session.alone(id), id),
      search: (text) => {
        this.notice = undefined;
        this.setSearch(text);
      },
    });
  }

  /** The first drawing: as it was left, or with next to nothing open. */
  private async open(): Promise<void> {
    this.worker.start();
    try {
      const session = new GraphSession(await this.load(), this.text, this.worker.layOut);
      this.session = session;
      const { saved } = this;
      const isSame = saved.nodeCount === session.tree.graph.nodes.length;
      const expanded = isSame && saved.expanded !== undefined ? new Set(saved.expanded) : session.first();
      this.metricId = saved.metric;
      this.search = saved.search ?? '';
      this.results = session.find(this.search);
      const scene = await session.scene(expanded);
      if (this.session !== session) return;
      if (isSame) Object.assign(this, { chosen: saved.chosen, viewport: saved.viewport });
      Object.assign(this, { scene, expanded });
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
    }
  }

  private async ready(): Promise<void> {
    this.loading ??= this.open();
    await this.loading;
    await this.updateComplete;
    // Sizes are known once it was drawn.
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }

  /** Another model: nothing of the one before holds. */
  private forget(): void {
    this.asked++;
    this.loading = undefined;
    this.viewport = undefined;
    Object.assign(this, { session: undefined, scene: undefined, problem: undefined, notice: undefined });
    Object.assign(this, { expanded: new Set(), chosen: undefined, results: [], search: '' });
  }

  /** Draws with these boxes open; `anchor` stays where it is on the screen. */
  private async draw(expanded: ReadonlySet<ItemId>, anchor?: ItemId): Promise<void> {
    const { session } = this;
    if (session === undefined) return;
    const turn = ++this.asked;
    this.notice = undefined;
    const timer = setTimeout(() => {
      if (turn === this.asked) this.notice = { kind: 'working' };
    }, noticeDelayMs);
    try {
      const scene = await session.scene(expanded);
      if (turn !== this.asked) return;
      this.expanded = expanded;
      this.scene = scene;
      this.notice = undefined;
      this.view?.replace(scene, anchor);
      this.keep();
      await this.updateComplete;
    } catch (error) {
      if (turn === this.asked && !(error instanceof LayoutStopped)) {
        this.notice = { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
      }
    } finally {
      clearTimeout(timer);
    }
  }

  private async toggle(item: ItemId): Promise<void> {
    const { session, expanded } = this;
    if (session === undefined || !isBox(session.tree.item(item))) return;
    if (expanded.has(item)) await this.draw(session.closed(expanded, item), item);
    else await this.follow(session.opened(expanded, item), item);
  }

  private async follow(opening: Opening, anchor?: ItemId): Promise<void> {
    if (opening.kind === 'open') await this.draw(opening.expanded, anchor);
    else this.notice = opening;
  }

  /** Chooses a box and brings it into view, opening what is around it. */
  private async reveal(item: ItemId): Promise<void> {
    const { session, expanded } = this;
    if (session === undefined) return;
    const wanted = session.revealing(expanded, item);
    if (session.visible(item, expanded) !== item) await this.draw(wanted, session.visible(item, expanded));
    this.choose(item);
    await this.updateComplete;
    this.view?.bring(item, 'middle');
  }

  private choose(item: ItemId | undefined): void {
    this.chosen = item;
    this.keep();
  }

  private setSearch(text: string): void {
    this.search = text;
    this.results = this.session?.find(text) ?? [];
    this.keep();
  }

  private currentResult(): number {
    return this.chosen === undefined ? -1 : this.results.indexOf(this.chosen);
  }

  private async goToResult(by: 1 | -1): Promise<void> {
    const { length } = this.results;
    const at = this.currentResult();
    const next = at < 0 ? (by > 0 ? 0 : length - 1) : (at + by + length) % length;
    const item = this.results[next];
    if (item !== undefined) await this.reveal(item);
  }

  private async onView(what: 'open-all' | 'close-all' | 'fit' | 'larger' | 'smaller'): Promise<void> {
    const { session } = this;
    if (what === 'fit') this.view?.fit();
    else if (what === 'larger') this.view?.zoom(1.25);
    else if (what === 'smaller') this.view?.zoom(0.8);
    else if (session !== undefined) {
      const chosen = this.chosen === undefined ? undefined : session.visible(this.chosen, new Set());
      await this.follow(
        what === 'open-all' ? session.everything() : { kind: 'open', expanded: new Set() },
        what === 'close-all' ? chosen : this.chosen,
      );
    }
  }

  private metric(): LayerMetric | undefined {
    return this.facts?.metrics.find(({ id }) => id === this.metricId);
  }

  private heatText(): string {
    const heat = this.chosen === undefined ? undefined : this.heat.get(this.chosen);
    const metric = this.metric();
    return heat === undefined || metric === undefined ? '' : `${metric.label}: ${heat.text}`;
  }

  private keep(): void {
    const { session, chosen, viewport, search } = this;
    const detail: GraphState = {
      ...(session === undefined ? {} : { nodeCount: session.tree.graph.nodes.length }),
      ...{ expanded: [...this.expanded], chosen, viewport, search, metric: this.metricId },
    };
    this.dispatchEvent(new CustomEvent('ni-graph-state', { detail }));
  }

  private readonly describe = (item: ItemId): string => {
    const { before, after } = this.session?.neighboursOf(item) ?? { before: [], after: [] };
    return [
      before.length === 0 ? '' : t('comes from {0}', before.slice(0, 3).map(boxTitle).join(', ')),
      after.length === 0 ? '' : t('goes to {0}', after.slice(0, 3).map(boxTitle).join(', ')),
    ]
      .filter((part) => part !== '')
      .join(', ');
  };

  private readonly onChoose = (event: HTMLElementEventMap['ni-graph-choose']): void => {
    this.choose(event.detail);
  };

  private readonly onToggle = (event: CustomEvent<ItemId>): void => {
    void this.toggle(event.detail);
  };

  private readonly onReveal = (event: CustomEvent<ItemId>): void => {
    void this.reveal(event.detail);
  };

  private readonly onViewport = (event: CustomEvent<Viewport>): void => {
    this.viewport = event.detail;
    this.keep();
  };

  private readonly onGo = (event: CustomEvent<GraphStep>): void => {
    void this.go(event.detail);
  };

  private async go(step: GraphStep): Promise<void> {
    const { session, chosen } = this;
    if (session === undefined) return;
    const [first] = session.tree.root.children;
    const to = chosen === undefined ? first : session.step(chosen, step, this.expanded);
    if (to === undefined) return;
    if (session.visible(to, this.expanded) !== to) {
      await this.draw(session.revealing(this.expanded, to), chosen);
    }
    this.choose(to);
    await this.updateComplete;
    this.view?.bring(to, 'near');
  }

  private readonly stop = (): void => {
    this.asked++;
    this.worker.stop();
    this.notice = undefined;
  };

  private readonly tryAgain = (): void => {
    this.problem = undefined;
    this.loading = this.open();
  };
}
