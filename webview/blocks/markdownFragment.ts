import { micromark } from 'micromark';
import { isWebAddress } from '../links.js';

/** The page has the headings of first and second order. */
const headingShift = 2;

/**
 * Returns CommonMark as nodes: raw HTML stays text, pictures are not loaded, and only links over https are links.
 *
 * Exports treat Markdown the same.
 */
export function markdownFragment(text: string): DocumentFragment {
  const template = document.createElement('template');
  // micromark writes markup in the text as text unless told otherwise.
  template.innerHTML = micromark(text, { extensions: [{ disable: { null: ['labelStartImage'] } }] });
  const fragment = template.content;
  for (const link of fragment.querySelectorAll('a')) {
    if (!isWebAddress(link.href)) link.replaceWith(...link.childNodes);
    else if (link.textContent.trim() === '') link.textContent = link.href;
  }
  for (const heading of fragment.querySelectorAll('h1,h2,h3,h4,h5,h6')) {
    const level = Math.min(6, Number(heading.tagName.slice(1)) + headingShift);
    const lower = document.createElement(`h${String(level)}`);
    lower.append(...heading.childNodes);
    heading.replaceWith(lower);
  }
  return fragment;
}
