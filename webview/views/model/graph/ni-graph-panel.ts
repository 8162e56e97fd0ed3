import '@vscode-elements/elements/dist/vscode-button/index.js';
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { formatName } from '../../../../src/protocol/addressNames.js';
import { formatNumber } from '../../../../src/protocol/formatReport.js';
import type { DrawnNode } from '../../../../src/protocol/structure.js';
import type { ModelContent } from '../../../../src/protocol/views/modelMessages.js';
import { baseStyles } from '../../../components/baseStyles.js';
import { followLink } from '../../../links.js';
import { t } from '../../../text.js';
import { textButton } from '../textButton.js';
import { boxTitle } from './boxText.js';
import { graphPanelStyles } from './graphPanelStyles.js';
import { isBox } from './graphLayout.js';
import type { GraphSession } from './graphSession.js';
import { type GraphItem, type ItemId, rootId } from './graphTree.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-graph-panel': NiGraphPanel;
  }
  interface HTMLElementEventMap {
    'ni-graph-reveal': CustomEvent<ItemId>;
    'ni-graph-search': CustomEvent<string>;
  }
}

/** More neighbours than this are counted, not listed. */
const listedCount = 60;

/**
 * What the chosen box of a graph is: its attributes, shapes, inputs and outputs, with its neighbours as links.
 *
 * @tag ni-graph-panel
 *
 * @prop session - The graph.
 * @prop chosen - The chosen box.
 * @prop content - The model, for what is known of layers.
 * @prop {string} heat - What the shown metric says of it.
 * @attr {boolean} expanded - It is open.
 *
 * @fires ni-graph-reveal - Another box is to be chosen and brought into view.
 * @fires ni-graph-toggle - The box is to be opened or closed.
 * @fires ni-graph-search - A search is to be made.
 * @fires ni-show-layer - Its layer is to be shown in another tab.
 * @fires ni-link - A neuron is to be opened.
 */
@customElement('ni-graph-panel')
export class NiGraphPanel extends LitElement {
  static override readonly styles = [baseStyles, graphPanelStyles];

  @property({ attribute: false }) session: GraphSession | undefined;
  @property({ attribute: false }) chosen: ItemId | undefined;
  @property({ attribute: false }) content: ModelContent | undefined;
  @property() heat = '';
  @property({ type: Boolean }) expanded = false;

  protected override render(): TemplateResult {
    const { session, chosen } = this;
    if (session === undefined || chosen === undefined) return keysHelp();
    const item = session.tree.item(chosen);
    return html`<section aria-label=${t('The chosen box')}>
      <h2>${boxTitle(item)}</h2>
      ${this.renderPath(item, session)} ${this.heat === '' ? nothing : html`<p><b>${this.heat}</b></p>`}
      ${item.blocks.length === 0 ? nothing : html`<p>${t('Recognised: {0}', item.blocks.join(', '))}</p>`}
      ${item.node === undefined ? this.renderInside(item, session) : this.renderNode(item.node)}
      ${this.renderNeighbours(item, session)}
    </section>`;
  }

  private renderPath(item: GraphItem, { tree }: GraphSession): TemplateResult {
    const around = tree.path(item.id).slice(1, -1);
    return html`<p class="path">
      ${around.map((id) => html`${this.link(tree.item(id), tree.item(id).label)} › `)}
      <span>${item.name}</span>
    </p>`;
  }

  private renderInside(item: GraphItem, session: GraphSession): TemplateResult {
    if (!isBox(item)) return html`<p>${item.label}</p>`;
    const operators = new Map<string, number>();
    for (const { operator } of session.tree.nodesIn(item.id)) {
      operators.set(operator, (operators.get(operator) ?? 0) + 1);
    }
    const sorted = [...operators].sort(([, a], [, b]) => b - a);
    return html`
      <p>
        <vscode-button secondary @click=${this.toggle}
          >${this.expanded ? t('Close') : t('Open')}</vscode-button
        >
      </p>
      ${this.renderLayer(item.kind === 'module' ? item.name : null)}
      <h3>${t('{0} nodes inside', formatNumber(item.nodeCount, 'count'))}</h3>
      <table>
        <tbody>
          ${sorted.slice(0, listedCount).map(
            ([operator, count]) =>
              html`<tr>
                <th scope="row">${operator}</th>
                <td>${formatNumber(count, 'count')}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    `;
  }

  private renderNode(node: DrawnNode): TemplateResult {
    return html`
      ${this.renderLayer(node.layer)}
      ${
        node.attributes.length === 0
          ? nothing
          : html`<h3>${t('Attributes')}</h3>
              <table>
                <tbody>
                  ${node.attributes.map(
                    ([name, value]) =>
                      html`<tr>
                        <th scope="row">${name}</th>
                        <td>${value}</td>
                      </tr>`,
                  )}
                </tbody>
              </table>`
      }
      ${this.renderInputs(node)} ${renderOutputs(node)}
    `;
  }

  private renderInputs({ inputs, sources, parameterCount }: DrawnNode): TemplateResult {
    if (inputs.length === 0) return html``;
    const count = formatNumber(parameterCount, 'count');
    return html`<h3>${t('Inputs')}</h3>
      <ol start="0">
        ${inputs.slice(0, listedCount).map((input, index) => {
          const source = sources[index];
          const from =
            source === null || source === undefined ? undefined : this.session?.tree.ofSource(source);
          if (input === '') return html`<li class="muted">${t('left out')}</li>`;
          return html`<li>
            <code>${input}</code>
            ${from === undefined ? html`<span class="muted">${t('constant')}</span>` : this.linkTo(from)}
          </li>`;
        })}
      </ol>
      ${parameterCount > 0 ? html`<p class="muted">${t('{0} elements of constants', count)}</p>` : nothing}`;
  }

  private renderLayer(name: string | null): TemplateResult | typeof nothing {
    const layer = this.content?.inspection.layers.find((each) => each.name === name);
    if (layer === undefined || name === null) return nothing;
    const hasUnits = layer.kind !== 'scope' && layer.unitCount !== null && layer.unitCount > 0;
    const facts = [
      layer.unitCount === null ? '' : t('{0} units', formatNumber(layer.unitCount, 'count')),
      layer.parameterCount === 0 ? '' : t('{0} parameters', formatNumber(layer.parameterCount, 'count')),
    ].filter((fact) => fact !== '');
    const ways = [
      textButton(t('Show in list'), () => {
        this.showLayer(name, 'layers');
      }),
      ...(layer.parameterCount > 0
        ? [
            textButton(t('Show weights'), () => {
              this.showLayer(name, 'weights');
            }),
          ]
        : []),
      ...(hasUnits
        ? [
            textButton(t('Open neuron'), () => {
              this.openNeuron(name);
            }),
          ]
        : []),
    ];
    return html`<p>
      ${t('Layer')} <code>${name}</code>${facts.length === 0 ? '' : ` · ${facts.join(' · ')}`}<br />
      ${ways.map((way, index) => html`${index === 0 ? '' : ' · '}${way}`)}
    </p>`;
  }

  private renderNeighbours(item: GraphItem, session: GraphSession): TemplateResult {
    const { before, after } = session.neighboursOf(item.id);
    return html`${this.renderList(t('Comes from'), before)} ${this.renderList(t('Goes to'), after)}`;
  }

  private renderList(title: string, items: readonly GraphItem[]): TemplateResult | typeof nothing {
    if (items.length === 0) return nothing;
    const more = items.length - listedCount;
    return html`<h3>${title}</h3>
      <ul>
        ${items.slice(0, listedCount).map((item) => html`<li>${this.linkTo(item)}</li>`)}
      </ul>
      ${more > 0 ? html`<p class="muted">${t('… {0} more', formatNumber(more, 'count'))}</p>` : nothing}`;
  }

  private linkTo(item: GraphItem): TemplateResult {
    const detail = item.kind === 'node' ? item.name : '';
    return html`${this.link(item, boxTitle(item))}
    ${detail === '' ? nothing : html`<span class="muted">${detail}</span>`}`;
  }

  private link(item: GraphItem, text: string): TemplateResult | string {
    if (item.id === rootId) return text;
    return textButton(text, () => {
      this.reveal(item.id);
    });
  }

  private reveal(item: ItemId): void {
    this.dispatchEvent(new CustomEvent('ni-graph-reveal', { detail: item }));
  }

  private readonly toggle = (): void => {
    this.dispatchEvent(new CustomEvent('ni-graph-toggle', { detail: this.chosen }));
  };

  private showLayer(layer: string, tab: 'layers' | 'weights'): void {
    const options = { detail: { layer, tab }, bubbles: true, composed: true };
    this.dispatchEvent(new CustomEvent('ni-show-layer', options));
  }

  private openNeuron(layer: string): void {
    followLink(this, { kind: 'open-address', address: `${formatName(layer)}[0]` });
  }
}

function renderOutputs({ outputs, shapes }: DrawnNode): TemplateResult {
  return html`<h3>${t('Outputs')}</h3>
    <ol start="0">
      ${outputs.map((output, index) => {
        const shape = shapes[index] ?? null;
        const text =
          shape === null ? t('shape not known') : `[${shape.map((size) => size ?? '?').join(', ')}]`;
        return output === ''
          ? html`<li class="muted">${t('left out')}</li>`
          : html`<li><code>${output}</code> <span class="muted">${text}</span></li>`;
      })}
    </ol>`;
}

/** What can be done, as long as nothing is chosen. */
function keysHelp(): TemplateResult {
  const keys: readonly (readonly [string, string])[] = [
    ['↓ ↑', t('along the edges')],
    ['← →', t('neighbours in the file')],
    ['Enter', t('open or close a module')],
    ['Shift+↓ ↑', t('into a module, out of it')],
    ['+ − 0', t('larger, smaller, all of it')],
    ['Ctrl+arrows', t('move the drawing')],
    ['Ctrl+F', t('search')],
  ];
  return html`<section aria-label=${t('The chosen box')}>
    <p class="muted">
      ${t('Choose a box to see its attributes, shapes and neighbours. A double click, or Enter, opens a module in place.')}
    </p>
    <table>
      <tbody>
        ${keys.map(
          ([key, what]) =>
            html`<tr>
              <th scope="row"><kbd>${key}</kbd></th>
              <td>${what}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}
