import { html, type TemplateResult } from 'lit';

/** Returns a button that looks like a link: it leads somewhere inside the page, or does something small. */
export function textButton(text: string, act: () => void): TemplateResult {
  return html`<button
    class="text"
    @click=${() => {
      act();
    }}
  >
    ${text}
  </button>`;
}
