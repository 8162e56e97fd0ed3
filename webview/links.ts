import type { LinkTell } from '../src/protocol/viewMessages.js';

declare global {
  interface HTMLElementEventMap {
    'ni-link': CustomEvent<LinkTell>;
  }
}

/** Says that a link was followed; the view hears it wherever the element stands. */
export function followLink(from: HTMLElement, link: LinkTell): void {
  from.dispatchEvent(new CustomEvent<LinkTell>('ni-link', { detail: link, bubbles: true, composed: true }));
}

/** Tells the host of every link that is followed in the page. */
export function forwardLinks(channel: { tell(link: LinkTell): void }): void {
  document.body.addEventListener('ni-link', (event) => {
    channel.tell(event.detail);
  });
}

/** Tells whether a link may lead out of the page: to a web page, over https. */
export function isWebAddress(url: string | undefined): url is string {
  return url !== undefined && /^https:\/\/[^\s]+$/i.test(url);
}
