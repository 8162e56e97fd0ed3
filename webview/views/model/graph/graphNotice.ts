import '@vscode-elements/elements/dist/vscode-button/index.js';
import { html, nothing, type TemplateResult } from 'lit';
import { t } from '../../../text.js';
import { textButton } from '../textButton.js';
import { boxTitle } from './boxText.js';
import { maxVisibleCount } from './graphLayout.js';
import type { Opening } from './graphSession.js';
import type { GraphItem, ItemId } from './graphTree.js';

/** More boxes would be drawn than are laid out at a time. */
export type TooMany = Extract<Opening, { readonly kind: 'too-many' }>;

/** What stands above the drawing. */
export type Notice =
  { readonly kind: 'working' } | TooMany | { readonly kind: 'failed'; readonly message: string };

/** What a notice can do. */
export interface NoticeContext {
  readonly item: (id: ItemId) => GraphItem;
  readonly stop: () => void;
  readonly dismiss: () => void;
  /** Closes everything but what is around a box, and opens it. */
  readonly openAlone: (id: ItemId) => void;
  readonly search: (text: string) => void;
}

/** Returns what stands above the drawing: work under way that can be stopped, or what cannot be done and what can. */
export function graphNotice(
  notice: Notice | undefined,
  context: NoticeContext,
): TemplateResult | typeof nothing {
  switch (notice?.kind) {
    case undefined:
      return nothing;
    case 'working':
      return html`<div class="notice" role="status">
        <span>${t('Laying out…')}</span>
        <vscode-button
          secondary
          @click=${() => {
            context.stop();
          }}
          >${t('Stop')}</vscode-button
        >
      </div>`;
    case 'failed':
      return html`<div class="notice" role="alert">
        <span>${notice.message}</span>${textButton(t('Dismiss'), context.dismiss)}
      </div>`;
    case 'too-many':
      return tooMany(notice, context);
  }
}

function tooMany({ item: id, count }: TooMany, context: NoticeContext): TemplateResult {
  const item = context.item(id);
  const text = t(
    'With {0} open, {1} boxes would be drawn; at most {2} are laid out at a time.',
    boxTitle(item),
    count.toLocaleString('en-US'),
    maxVisibleCount.toLocaleString('en-US'),
  );
  return html`<div class="notice" role="alert">
    <span>${text}</span>
    <vscode-button
      @click=${() => {
        context.openAlone(id);
      }}
      >${t('Close the others and open it')}</vscode-button
    >
    ${
      item.kind === 'module'
        ? html`<vscode-button
            secondary
            @click=${() => {
              context.search(`in:${item.name}`);
            }}
            >${t('List its nodes')}</vscode-button
          >`
        : nothing
    }
    ${textButton(t('Dismiss'), context.dismiss)}
  </div>`;
}
