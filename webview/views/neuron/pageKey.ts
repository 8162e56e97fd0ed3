/** What a key does on the neuron page. */
export type PageKey = 'previous' | 'next' | 'go-to';

const keys: Readonly<Record<string, PageKey>> = {
  j: 'previous',
  k: 'next',
  ArrowLeft: 'previous',
  ArrowRight: 'next',
  g: 'go-to',
};

/** Where keys are typed, or arrows mean something of their own. */
const ownKeys = 'input, textarea, select, dialog, [role="grid"], [role="slider"], [contenteditable]';

/** Returns what a key does on the page; undefined where it is typed, used by what has the focus, or part of a shortcut. */
export function pageKey(event: KeyboardEvent): PageKey | undefined {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) {
    return undefined;
  }
  const isOwn = event.composedPath().some((target) => target instanceof Element && target.matches(ownKeys));
  return isOwn ? undefined : keys[event.key];
}
