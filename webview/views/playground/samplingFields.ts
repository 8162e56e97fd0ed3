import { html, type TemplateResult } from 'lit';
import type { SamplingChoice } from '../../../src/protocol/generatedText.js';
import { t } from '../../text.js';

/** A number that says how tokens are chosen. */
export type FieldName = 'tokenCount' | 'temperature' | 'topK' | 'topP' | 'seed';

/** Fields as they are typed. */
export type Fields = Readonly<Record<FieldName, string>>;

interface FieldRule {
  readonly minimum: number;
  readonly maximum: number;
  readonly isInteger: boolean;
  /** Empty means that there is no such limit. */
  readonly mayBeEmpty?: boolean;
  /** Only where tokens are drawn. */
  readonly isOfSampling: boolean;
}

/** Bounds are those of the analysis that writes text. */
const rules: Readonly<Record<FieldName, FieldRule>> = {
  tokenCount: { minimum: 1, maximum: 10_000, isInteger: true, isOfSampling: false },
  temperature: { minimum: 0, maximum: 100, isInteger: false, isOfSampling: true },
  topK: { minimum: 1, maximum: 1_000_000, isInteger: true, mayBeEmpty: true, isOfSampling: true },
  topP: { minimum: 0, maximum: 1, isInteger: false, isOfSampling: true },
  seed: { minimum: 0, maximum: 4_294_967_295, isInteger: true, isOfSampling: true },
};

/** What the fields hold at first. */
export const firstFields: Fields = { tokenCount: '40', temperature: '1', topK: '', topP: '1', seed: '0' };

const names = Object.keys(rules) as readonly FieldName[];

/** Returns the fields of a way of choosing that hold no number within their bounds. */
export function wrongFields(fields: Fields, isSampled: boolean): ReadonlySet<FieldName> {
  return new Set(
    names.filter((name) => (isSampled || !rules[name].isOfSampling) && !isRight(fields[name], rules[name])),
  );
}

function isRight(text: string, { minimum, maximum, isInteger, mayBeEmpty }: FieldRule): boolean {
  if (text.trim() === '') return mayBeEmpty === true;
  const value = Number(text);
  return value >= minimum && value <= maximum && (!isInteger || Number.isInteger(value));
}

/** Returns how tokens are chosen; greedy takes the likeliest, whatever the other fields say. */
export function choiceOf(fields: Fields, isSampled: boolean): SamplingChoice {
  const tokenCount = Number(fields.tokenCount);
  if (!isSampled) return { tokenCount, temperature: 0, topK: null, topP: 1, seed: 0 };
  return {
    tokenCount,
    temperature: Number(fields.temperature),
    topK: fields.topK.trim() === '' ? null : Number(fields.topK),
    topP: Number(fields.topP),
    seed: Number(fields.seed),
  };
}

/** What the fields are drawn with. */
export interface FieldsView {
  readonly fields: Fields;
  readonly isSampled: boolean;
  readonly onField: (name: FieldName, text: string) => void;
  readonly onSampled: (isSampled: boolean) => void;
}

/** Draws how tokens are chosen. */
export function samplingFields(view: FieldsView): TemplateResult {
  const { fields, isSampled } = view;
  const wrong = wrongFields(fields, isSampled);
  const shown = names.filter((name) => isSampled || !rules[name].isOfSampling);
  return html`<div class="sampling">
    <fieldset class="way">
      <legend class="hidden-text">${t('How tokens are chosen')}</legend>
      ${radio(view, false, t('Greedy'), t('Always the likeliest token'))}
      ${radio(view, true, t('Sampled'), t('Draws each token by its probability'))}
    </fieldset>
    ${shown.map(
      (name) =>
        html`<label class="number" title=${describe(name)}>
          <span>${label(name)}</span>
          <input
            type="text"
            inputmode=${rules[name].isInteger ? 'numeric' : 'decimal'}
            autocomplete="off"
            spellcheck="false"
            data-field=${name}
            placeholder=${rules[name].mayBeEmpty === true ? t('all') : ''}
            aria-invalid=${wrong.has(name)}
            aria-description=${describe(name)}
            .value=${fields[name]}
            @input=${(event: Event) => {
              // Bound to the input above.
              view.onField(name, (event.target as HTMLInputElement).value);
            }}
          />
        </label>`,
    )}
    ${
      wrong.size === 0
        ? ''
        : html`<p class="wrong" role="alert">
            ${[...wrong].map((name) => `${label(name)}: ${boundsText(rules[name])}`).join(' · ')}
          </p>`
    }
  </div>`;
}

function radio(
  { isSampled, onSampled }: FieldsView,
  value: boolean,
  text: string,
  title: string,
): TemplateResult {
  return html`<label title=${title}
    ><input
      type="radio"
      name="way"
      .checked=${isSampled === value}
      @change=${() => {
        onSampled(value);
      }}
    />${text}</label
  >`;
}

function label(name: FieldName): string {
  switch (name) {
    case 'tokenCount':
      return t('Tokens');
    case 'temperature':
      return t('Temperature');
    case 'topK':
      return t('Top k');
    case 'topP':
      return t('Top p');
    case 'seed':
      return t('Seed');
  }
}

function describe(name: FieldName): string {
  switch (name) {
    case 'tokenCount':
      return t('Tokens that a continuation has at most');
    case 'temperature':
      return t('1 draws as the model says; more makes rare tokens likelier, less makes them rarer');
    case 'topK':
      return t('Draws from so many of the likeliest tokens only; empty: from all');
    case 'topP':
      return t('Draws from the fewest likeliest tokens that together have this probability');
    case 'seed':
      return t('The same text and seed give the same continuation');
  }
}

function boundsText({ minimum, maximum, isInteger }: FieldRule): string {
  return isInteger
    ? t('a whole number from {0} to {1}', minimum, maximum)
    : t('a number from {0} to {1}', minimum, maximum);
}
