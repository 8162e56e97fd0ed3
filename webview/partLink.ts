import { html, type TemplateResult } from 'lit';
import type { ReportPart } from '../src/protocol/report.js';
import { followLink } from './links.js';

/** Returns the title of a report that another one puts together, as a link where it was kept. */
export function partLink(from: HTMLElement, { title, file }: ReportPart): TemplateResult {
  if (file === undefined) return html`${title}`;
  return html`<a
    href="#"
    @click=${(event: Event) => {
      event.preventDefault();
      followLink(from, { kind: 'open-part', file });
    }}
    >${title}</a
  >`;
}
