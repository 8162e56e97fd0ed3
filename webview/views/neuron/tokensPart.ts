import { html, nothing, type TemplateResult } from 'lit';
import type { TokenEffect, UnitTokens } from '../../../src/protocol/units.js';
import type { NeuronPlace, TokensState } from '../../../src/protocol/views/neuronMessages.js';
import { t } from '../../text.js';
import { tokenName } from '../../tokenText.js';
import './ni-weight-rows.js';

/** Returns the tokens that a neuron of a language model makes likelier and unlikelier; nothing until they are read, or where there are none. */
export function tokensPart(state: TokensState, place: NeuronPlace): TemplateResult | typeof nothing {
  if (state.kind === 'none' || state.kind === 'reading') return nothing;
  return html`<section class="written">
    <h2>${t('Tokens that it writes')}</h2>
    ${state.kind === 'failed' ? html`<p class="muted">${state.message}</p>` : tokenLists(state.tokens, place)}
  </section>`;
}

function tokenLists(tokens: UnitTokens, place: NeuronPlace): TemplateResult {
  return html`<p class="evidence">${howText(tokens, place)}</p>
    <div class="sides">
      <div>${tokenList(t('Likelier'), tokens.raised)}</div>
      <div>${tokenList(t('Unlikelier'), tokens.lowered)}</div>
    </div>`;
}

function tokenList(label: string, effects: readonly TokenEffect[]): TemplateResult {
  const rows = effects.map((token) => ({ from: tokenName(token), value: Number(token.effect) }));
  return html`<ni-weight-rows .rows=${rows} .fromLabel=${label} .valueLabel=${t('Effect')}></ni-weight-rows>`;
}

/** What the numbers are, and what they leave out. */
function howText(tokens: UnitTokens, { address, states }: NeuronPlace): string {
  const { layer, isHead, normWithoutGain } = tokens;
  const measuredAt = states.kind === 'activation' ? states.address : address;
  const way = isHead
    ? t('What 1 more of {0} adds to the scores of tokens, by {1}', measuredAt, layer)
    : t('What 1 more of {0} adds to the scores of tokens, by {1} and the unembedding', measuredAt, layer);
  return [
    way,
    t('without what the layers in between make of it'),
    ...(normWithoutGain === null ? [] : [t('without the gain of {0}', normWithoutGain)]),
  ].join(', ');
}
