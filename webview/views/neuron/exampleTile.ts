import { html, nothing, type TemplateResult } from 'lit';
import type { ReportNumber } from '../../../src/protocol/blocks.js';
import type { SampleCard, TokenStretch, UnitExample, UnitMap } from '../../../src/protocol/units.js';
import '../../components/ni-heat-map.js';
import '../../components/ni-picture.js';
import { t } from '../../text.js';
import type { Tile } from './ni-tiles.js';
import './ni-token-stretch.js';
import { exampleValueText, labelText } from './neuronWords.js';

/** A sample, with the neuron's output on it where that is known. */
export type Example = SampleCard & Partial<Pick<UnitExample, 'value' | 'position' | 'map' | 'stretch'>>;

/** How maps are coloured: all on one page alike, so that they compare. */
export interface MapLook {
  readonly limit: number;
  readonly scale: 'diverging' | 'sequential';
  /** Of the map over the picture, 0…1. */
  readonly opacity: number;
}

/** Side of a picture among others, and width of a text among others, in pixels. */
export const pictureSize = 112;
const textSize = 230;
const stretchSize = 330;
const enlargedSize = 336;

/** Returns how the maps of examples are coloured together. */
export function mapLookOf(examples: readonly Example[], opacity: number): MapLook {
  const values = examples.flatMap(({ map }) => map?.values ?? []).map((value) => Number(value ?? 0));
  const finite = values.filter((value) => Number.isFinite(value));
  const limit = finite.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const isSigned = finite.some((value) => value < 0);
  return { limit: limit === 0 ? 1 : limit, scale: isSigned ? 'diverging' : 'sequential', opacity };
}

/** Returns the width that tiles of these examples need. */
export function tileSizeOf(examples: readonly Example[]): number {
  if (examples.some(({ picture }) => picture !== undefined)) return pictureSize;
  return examples.some(({ stretch }) => stretch !== undefined) ? stretchSize : textSize;
}

/** Returns an example as a small tile. */
export function exampleTile(
  example: Example,
  index: number,
  { count, look }: { count: number; look: MapLook },
): Tile {
  const { id, picture, map, text } = example;
  const value = valueTextOf(example);
  const label = labelText(example);
  const name = label === '' ? id : t('{0} · {1}', label, id);
  if (example.stretch !== undefined) {
    return stretchTile(example, example.stretch, { index, count, look, name });
  }
  const isDrawn = picture !== undefined || map !== undefined;
  const size = picture === undefined ? textSize : pictureSize;
  const words = isDrawn && text === undefined ? {} : { text: text ?? id };
  return {
    hiddenText: t('Example {0} of {1}:', index + 1, count),
    ...(isDrawn ? { picture: pictureOf(example, look, { size }) } : {}),
    ...(picture === undefined ? words : {}),
    captions: value === '' ? [name] : [value, name],
  };
}

/** The text itself says where the neuron is active: no strip beside it. */
function stretchTile(
  example: Example,
  stretch: TokenStretch,
  { index, count, look, name }: { index: number; count: number; look: MapLook; name: string },
): Tile {
  const value = valueTextOf(example);
  const words = stretch.tokens.map(({ text }) => text).join('');
  return {
    hiddenText: t('Example {0} of {1}: “{2}”', index + 1, count, words.trim()),
    picture: stretchOf(example, stretch, { look }),
    captions: value === '' ? [name] : [value, name],
  };
}

function stretchOf(
  { position }: Example,
  stretch: TokenStretch,
  { look, isLarge = false }: { look: MapLook; isLarge?: boolean },
): TemplateResult {
  return html`<ni-token-stretch
    ?large=${isLarge}
    .stretch=${stretch}
    .limit=${look.limit}
    .position=${position?.[0] ?? -1}
  ></ni-token-stretch>`;
}

/** Returns an example at full size, with everything that is known of it. */
export function enlargedExample(example: Example, look: MapLook): TemplateResult {
  const value = valueTextOf(example);
  const label = example.labelName ?? String(example.label ?? '');
  const facts: [string, string][] = [
    [t('Sample'), t('{0} (position {1} in the data)', example.id, example.index)],
    ...(label === '' ? [] : [[t('Label'), label] satisfies [string, string]]),
    ...(value === '' ? [] : [[t('Largest output'), value] satisfies [string, string]]),
    ...(example.text === undefined ? [] : [[t('Input'), example.text] satisfies [string, string]]),
  ];
  const isDrawn = example.picture !== undefined || example.map !== undefined;
  return html`${isDrawn ? pictureOf(example, look, { size: enlargedSize, isLarge: true }) : nothing}
    ${example.stretch === undefined ? nothing : stretchOf(example, example.stretch, { look, isLarge: true })}
    <dl>
      ${facts.map(
        ([name, text]) =>
          html`<dt>${name}</dt>
            <dd>${text}</dd>`,
      )}
    </dl>`;
}

function valueTextOf({ value, position }: Example): string {
  return value === undefined ? '' : exampleValueText(value, position);
}

/** The map, over the picture where there is one, or the picture alone. */
function pictureOf(
  { map, picture, id }: Example,
  look: MapLook,
  { size, isLarge = false }: { size: number; isLarge?: boolean },
): TemplateResult {
  if (map === undefined) {
    return html`<ni-picture ?decorative=${!isLarge} .picture=${picture} .minSize=${size}></ni-picture>`;
  }
  const drawn = thickened(map);
  return html`<ni-heat-map
    .values=${drawn.values}
    .width=${drawn.width}
    .height=${drawn.height}
    .limit=${look.limit}
    .scale=${look.scale}
    .picture=${picture}
    .opacity=${look.opacity}
    .minSize=${size}
    .label=${t('Where the neuron is active in {0}', id)}
    ?controls=${isLarge}
  ></ni-heat-map>`;
}

interface DrawnMap {
  readonly width: number;
  readonly height: number;
  readonly values: readonly ReportNumber[];
}

/** Rows of a sequence's map over its length: a line one pixel high would not be seen. */
const stripRatio = 8;

/** A map to draw: masked positions are empty, and a sequence is a strip thick enough to see. */
function thickened({ width, height, values }: UnitMap): DrawnMap {
  const drawn = values.map((value) => value ?? 0);
  if (width > 1 && height > 1) return { width, height, values: drawn };
  // A recurrent layer's map is one direction wide and all its steps high.
  const length = Math.max(width, height);
  const rows = Math.max(1, Math.round(length / stripRatio));
  return { width: length, height: rows, values: Array.from({ length: rows }, () => drawn).flat() };
}
