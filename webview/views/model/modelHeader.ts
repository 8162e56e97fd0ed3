import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-icon/index.js';
import { html, nothing, type TemplateResult } from 'lit';
import { formatBytes, formatNumber } from '../../../src/protocol/formatReport.js';
import type { InspectedValue } from '../../../src/protocol/inspection.js';
import { looksLikeLanguageModel } from '../../../src/protocol/languageModels.js';
import type { ModelContent, ModelProtocol } from '../../../src/protocol/views/modelMessages.js';
import { t } from '../../text.js';

/** What the header can do. */
export interface HeaderContext {
  readonly canRun: boolean;
  readonly tell: (message: ModelProtocol['tell']) => void;
  /** Searches the graph. */
  readonly find: (text: string) => void;
  /** For each warning the node that it is about, once known. */
  readonly warningNodes: readonly (string | undefined)[];
}

/** More inputs or outputs than this are folded away. */
const listedValueCount = 3;

/** Returns the head of a model's page: what it is, what goes in and out, what to mind, and what to do with it. */
export function modelHeader(content: ModelContent, context: HeaderContext): TemplateResult {
  const { inspection } = content;
  return html`<header class="model-head">
    <div class="first">
      <div class="summary">
        <h1>${content.name}</h1>
        <p>${summaryLine(content)}</p>
      </div>
      ${actions(context, looksLikeLanguageModel(inspection))}
    </div>
    <dl class="values">
      ${valuesRow(t('in'), inspection.inputs)} ${valuesRow(t('out'), inspection.outputs)}
    </dl>
    ${warningList(inspection.warnings, context)}
  </header>`;
}

/** `6 layers · 105,866 parameters · opset 17 · 23 nodes · 0.4 MB · PyTorch 2.4`. */
function summaryLine({ inspection }: ModelContent): string {
  const { layers, parameterCount, opsets, nodeCount, sizeBytes, producer } = inspection;
  const layerCount = layers.filter(
    (layer) => layer.parameterCount > 0 && layer.kind !== 'scope' && layer.kind !== 'block',
  ).length;
  const opset = opsets['ai.onnx'];
  return [
    layerCount === 1 ? t('1 layer') : t('{0} layers', formatNumber(layerCount, 'count')),
    t('{0} parameters', formatNumber(parameterCount, 'count')),
    ...(opset === undefined ? [] : [t('opset {0}', opset)]),
    nodeCount === 1 ? t('1 node') : t('{0} nodes', formatNumber(nodeCount, 'count')),
    formatBytes(sizeBytes),
    ...(producer === '' ? [] : [producer]),
  ].join(' · ');
}

function actions({ canRun, tell }: HeaderContext, isLanguageModel: boolean): TemplateResult {
  if (!canRun) return restrictedActions(tell);
  return html`<div class="actions">
    ${
      isLanguageModel
        ? html`<vscode-button
            secondary
            title=${t('Write with this model, token by token')}
            @click=${() => {
              tell({ kind: 'open-playground' });
            }}
            >${t('Playground')}</vscode-button
          >`
        : nothing
    }
    <vscode-button
      secondary
      title=${t('Runs data through the model and counts the neurons that never fire')}
      @click=${() => {
        tell({ kind: 'run', analysis: 'dead-neurons' });
      }}
      >${t('Find dead neurons…')}</vscode-button
    >
    <vscode-button
      title=${t('Ask this model another question')}
      @click=${() => {
        tell({ kind: 'run' });
      }}
      >${t('Run…')}</vscode-button
    >
  </div>`;
}

function restrictedActions(tell: HeaderContext['tell']): TemplateResult {
  return html`<div class="actions">
    <span class="muted">${t('Restricted Mode: nothing is run.')}</span>
    <button
      class="text"
      @click=${() => {
        tell({ kind: 'manage-trust' });
      }}
    >
      ${t('Manage workspace trust')}
    </button>
  </div>`;
}

function valuesRow(label: string, values: readonly InspectedValue[]): TemplateResult | typeof nothing {
  if (values.length === 0) {
    return html`<dt>${label}</dt>
      <dd class="muted">${t('none')}</dd>`;
  }
  const more = values.length - listedValueCount;
  return html`<dt>${label}</dt>
    <dd>
      ${joined(values.slice(0, more === 1 ? listedValueCount + 1 : listedValueCount))}
      ${
        more > 1
          ? html`<details>
              <summary>${t('{0} more', formatNumber(more, 'count'))}</summary>
              ${values.slice(listedValueCount).map((value) => html`<div>${valueText(value)}</div>`)}
            </details>`
          : nothing
      }
    </dd>`;
}

function joined(values: readonly InspectedValue[]): TemplateResult[] {
  return values.map((value, index) => html`${index === 0 ? '' : ' · '}${valueText(value)}`);
}

function valueText({ name, type, shape }: InspectedValue): TemplateResult {
  const sizes = shape === null ? '' : ` [${shape.map((size) => size ?? '?').join(', ')}]`;
  return html`<code>${name}</code> <span class="type">${type}${sizes}</span>`;
}

function warningList(warnings: readonly string[], context: HeaderContext): TemplateResult | typeof nothing {
  if (warnings.length === 0) return nothing;
  const list = html`<ul class="warnings">
    ${warnings.map(
      (warning, index) =>
        html`<li>
          <vscode-icon name="warning" aria-hidden="true"></vscode-icon>
          <span>${warning} ${showLink(context.warningNodes[index], context)}</span>
        </li>`,
    )}
  </ul>`;
  if (warnings.length <= 2) return list;
  return html`<details>
    <summary>${t('{0} warnings', formatNumber(warnings.length, 'count'))}</summary>
    ${list}
  </details>`;
}

function showLink(node: string | undefined, { find }: HeaderContext): TemplateResult | typeof nothing {
  if (node === undefined) return nothing;
  return html`<button
    class="text"
    @click=${() => {
      find(node);
    }}
  >
    ${t('Show')}
  </button>`;
}
