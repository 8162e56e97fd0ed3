import '@vscode-elements/elements/dist/vscode-icon/index.js';
import { css, html, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { FindingsBlock } from '../../src/protocol/blocks.js';
import { formatNumber } from '../../src/protocol/formatReport.js';
import type { Finding } from '../../src/protocol/report.js';
import { baseStyles } from '../components/baseStyles.js';
import { severityText } from '../components/ni-note.js';
import { followLink } from '../links.js';
import { partLink } from '../partLink.js';
import { t } from '../text.js';
import { BlockElement } from './blockElement.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-findings-block': NiFindingsBlock;
  }
}

/** Findings that are shown at once; the report has them worst first. */
const firstCount = 12;

/**
 * What was found and what to try, the worst first as the report has it.
 *
 * @tag ni-findings-block
 * @fires ni-link - An address was followed.
 */
@customElement('ni-findings-block')
export class NiFindingsBlock extends BlockElement<FindingsBlock> {
  static override readonly styles = [
    baseStyles,
    css`
      ul {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: grid;
        grid-template-columns: 16px 9ch minmax(0, 1fr);
        gap: 0 6px;
        max-width: 110ch;
        padding: 4px 0;
        border-top: 1px solid var(--ni-hairline);
      }
      li:first-child {
        border-top: 0;
      }
      .shared + li {
        padding-top: 0;
        border-top: 0;
      }
      .shared {
        padding-bottom: 0;
      }
      vscode-icon {
        height: 16px;
      }
      .error {
        color: var(--ni-error);
      }
      .warning {
        color: var(--ni-warning);
      }
      .info {
        color: var(--ni-info);
      }
      .text {
        overflow-wrap: anywhere;
      }
      .advice {
        grid-column: 3;
        margin: 0;
        color: var(--ni-muted);
      }
      .source {
        color: var(--ni-muted);
      }
      a {
        text-decoration: underline;
      }
      p {
        margin: 0;
        color: var(--ni-muted);
      }
      @media (max-width: 520px) {
        li {
          grid-template-columns: 16px minmax(0, 1fr);
        }
        .text,
        .advice {
          grid-column: 1 / -1;
        }
      }
    `,
  ];

  @state() private isWhole: boolean | undefined;

  protected override render(): TemplateResult {
    const { findings } = this.context.report;
    if (findings.length === 0) return html`<p>${t('Nothing to worry about was found.')}</p>`;
    const isWhole = this.isWhole ?? this.context.state.read('whole') === true;
    const shown = isWhole ? findings : findings.slice(0, firstCount);
    const count = formatNumber(findings.length, 'count');
    return html`
      <ul>
        ${shown.map((finding, index) => this.renderFinding(finding, shown[index + 1]))}
      </ul>
      ${
        shown.length === findings.length
          ? nothing
          : html`<button class="text" @click=${this.showAll}>${t('Show all {0} findings', count)}</button>`
      }
    `;
  }

  /** What helps against this and the next is said once, after the next. */
  private renderFinding(finding: Finding, next: Finding | undefined): TemplateResult {
    const { severity } = finding;
    const isShared = next?.severity === severity && next.advice === finding.advice;
    const advice = isShared ? '' : finding.advice;
    return html`<li class=${isShared ? 'shared' : ''}>
      <vscode-icon class=${severity} name=${severity} aria-hidden="true"></vscode-icon>
      <span class=${severity}>${severityText(severity)}</span>
      <span class="text">${this.renderMessage(finding)} ${this.renderSource(finding)}</span>
      ${advice === '' ? nothing : html`<p class="advice">${t('Try: {0}', advice)}</p>`}
    </li>`;
  }

  /** The address is a link where the message names it, else before it. */
  private renderMessage({ address, message }: Finding): TemplateResult {
    if (address === undefined) return html`${message}`;
    const link = html`<a
      class="address"
      href="#"
      @click=${(event: Event) => {
        event.preventDefault();
        followLink(this, { kind: 'open-address', address });
      }}
      >${address}</a
    >`;
    const at = message.indexOf(address);
    if (at < 0) return html`${link} ${message}`;
    return html`${message.slice(0, at)}${link}${message.slice(at + address.length)}`;
  }

  /** Where several analyses are put together, a finding leads to the report of the one that found it. */
  private renderSource({ analysis }: Finding): TemplateResult | typeof nothing {
    const part = this.context.report.parts?.find((one) => one.analysis === analysis);
    return part === undefined ? nothing : html`<span class="source">· ${partLink(this, part)}</span>`;
  }

  private readonly showAll = (): void => {
    this.isWhole = true;
    this.context.state.set('whole', true);
  };
}
