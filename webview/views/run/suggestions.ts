import type { LayerSuggestion } from '../../../src/protocol/views/runMessages.js';

/** What a field completes to. */
export interface Suggestion {
  readonly text: string;
  readonly detail: string;
}

/** More lines than this are not offered; typing narrows them down. */
const shownCount = 50;

/** Returns what a field of an address or a layer may complete to. */
export function suggestionsFor(
  layers: readonly LayerSuggestion[],
  format: 'address' | 'layer',
): Suggestion[] {
  return layers.flatMap(({ name, address, detail }) => {
    if (format === 'layer') return [{ text: name, detail }];
    return address === null ? [] : [{ text: address, detail }];
  });
}

/**
 * Returns the suggestions that fit what is typed: those that begin with it, then those that hold it. Once a unit is being
 * typed, the layer is decided and nothing is offered.
 */
export function matchSuggestions(suggestions: readonly Suggestion[], typed: string): Suggestion[] {
  const text = typed.trim().toLowerCase();
  if (text.includes('[')) return [];
  const holding = suggestions.filter((suggestion) => suggestion.text.toLowerCase().includes(text));
  const begins = (suggestion: Suggestion): boolean => suggestion.text.toLowerCase().startsWith(text);
  return [...holding.filter(begins), ...holding.filter((one) => !begins(one))].slice(0, shownCount);
}
