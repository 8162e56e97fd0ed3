import type { PageState } from './pageState.js';

const key = 'scroll';

/** What a person does to scroll: after that the page is theirs. */
const moves = ['wheel', 'keydown', 'pointerdown', 'touchstart'] as const;

/**
 * Brings a page back to where it was scrolled, and keeps where it is.
 *
 * A page grows while its parts are drawn, so it is brought back each time it does, until it is there or the person moves.
 */
export function keepScroll(page: HTMLElement, state: PageState): void {
  const saved = state.read(key);
  if (typeof saved === 'number' && saved > 0) bringBack(page, saved);
  window.addEventListener('scroll', () => {
    state.set(key, window.scrollY);
  });
}

function bringBack(page: HTMLElement, scrollY: number): void {
  const stop = (): void => {
    grown.disconnect();
    for (const move of moves) window.removeEventListener(move, stop);
  };
  const grown = new ResizeObserver(() => {
    window.scrollTo({ top: scrollY, behavior: 'instant' });
    if (Math.abs(window.scrollY - scrollY) < 1) stop();
  });
  grown.observe(page);
  for (const move of moves) window.addEventListener(move, stop, { passive: true });
}
