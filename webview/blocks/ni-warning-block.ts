import { css, html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { WarningBlock } from '../../src/protocol/blocks.js';
import { baseStyles } from '../components/baseStyles.js';
import '../components/ni-note.js';
import { BlockElement } from './blockElement.js';

declare global {
  interface HTMLElementTagNameMap {
    'ni-warning-block': NiWarningBlock;
  }
}

/**
 * Something to know before believing the numbers, and what to do about it.
 *
 * @tag ni-warning-block
 */
@customElement('ni-warning-block')
export class NiWarningBlock extends BlockElement<WarningBlock> {
  static override readonly styles = [
    baseStyles,
    css`
      .advice {
        color: var(--ni-muted);
      }
    `,
  ];

  protected override render(): TemplateResult {
    const { message, advice } = this.block;
    return html`<ni-note severity="warning">
      <span>${message}</span>
      ${advice === undefined ? nothing : html`<div class="advice">${advice}</div>`}
    </ni-note>`;
  }
}
