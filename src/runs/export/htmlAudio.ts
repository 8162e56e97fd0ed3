import { encodePng } from '../../base/png.js';
import type { AudioBlock } from '../../protocol/blocks.js';
import { paintSpectrum, relevantSpans, spanText, wavePath, waveSize } from '../../protocol/soundShape.js';
import { escapeHtml } from './escape.js';
import { heatMapUri } from './heatMap.js';
import { partsAttribute } from './htmlParts.js';
import { legend } from './htmlPictures.js';
import { soundUri } from './pictures.js';

/** Middle grey: a spectrogram reads on light and dark ground alike. */
const spectrumGrey = [128, 128, 128] as const;

/** Returns sounds as their waves on the colours of their values, their spectrograms, and a player. */
export function audioFigures(block: AudioBlock, reportDir: string): string {
  const figures = block.items.map((item, index) => {
    const { caption, values, durationSeconds } = item;
    const heat = heatMapUri({ width: Math.max(1, values.length), height: 1, values }, Number(block.limit));
    const spans = relevantSpans(values, durationSeconds).map(spanText).join(', ');
    const text = `${caption}${spans === '' ? '' : ` · what matters most: ${spans}`}`;
    const parts = partsAttribute(block.parts, index, { counts: [values.length], values, caption });
    return `<figure class="sound"${parts}>${waveSvg(item, heat)}${spectrumTag(item)}${player(item.source, reportDir, caption)}<figcaption>${escapeHtml(text)}</figcaption></figure>`;
  });
  return `${figures.join('')}${legend(block)}`;
}

type Item = AudioBlock['items'][number];

function waveSvg({ lows, highs, caption }: Item, heat: string): string {
  const { width, height } = waveSize;
  const label = escapeHtml(`Wave of ${caption}, on the colours of its values`);
  return `<svg class="wave" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${label}"><image href="${heat}" width="${width}" height="${height}" preserveAspectRatio="none"/><path d="${wavePath(lows, highs)}" fill="currentColor"/></svg>`;
}

function spectrumTag({ spectrum, frequencyCount, caption }: Item): string {
  const { width, height, rgba } = paintSpectrum(spectrum, frequencyCount, spectrumGrey);
  if (width === 0 || height === 0) return '';
  const uri = `data:image/png;base64,${encodePng(width, height, new Uint8Array(rgba.buffer)).toString('base64')}`;
  return `<img class="spectrum" src="${uri}" alt="${escapeHtml(`Spectrogram of ${caption}`)}">`;
}

function player(source: string, reportDir: string, caption: string): string {
  const uri = soundUri(source, reportDir);
  if (uri === undefined) return '<p class="muted">(the sound is not in the report)</p>';
  return `<audio controls preload="none" src="${uri}" aria-label="${escapeHtml(caption)}"></audio>`;
}
