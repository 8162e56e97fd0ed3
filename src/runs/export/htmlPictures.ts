import type { CompareBlock, OverlayBlock, Picture } from '../../protocol/blocks.js';
import { formatNumber } from '../../protocol/formatReport.js';
import { escapeHtml } from './escape.js';
import { heatMapUri } from './heatMap.js';
import { partsAttribute } from './htmlParts.js';
import { pictureUri } from './pictures.js';

/** Where pictures are looked for. */
export interface PictureContext {
  /** Folder of the report: pictures may be files beside it. */
  readonly reportDir: string;
}

/** Small pictures are drawn at least this large, in whole multiples so that pixels stay square. */
const minPictureSize = 160;

/** Returns a picture with its caption. */
export function pictureFigure(picture: Picture, { reportDir }: PictureContext): string {
  const caption =
    picture.caption === undefined ? '' : `<figcaption>${escapeHtml(picture.caption)}</figcaption>`;
  return `<figure>${pictureTag(picture, { reportDir, className: '' })}${caption}</figure>`;
}

/** Returns heat maps beside and over their inputs. */
export function overlayFigures(block: OverlayBlock, context: PictureContext): string {
  const limit = Number(block.limit);
  const figures = block.items.map((item, index) => {
    const uri = heatMapUri(item, limit);
    const { base, width, height } = item;
    const alt = `Heat map: ${item.caption}`;
    const caption = `<figcaption>${escapeHtml(item.caption)}</figcaption>`;
    const stack = heatStack({ base, width, height, uri, alt }, context);
    const counts = [height, width];
    const parts = partsAttribute(block.parts, index, { counts, values: item.values, caption: item.caption });
    if (base === undefined) return `<figure${parts}>${stack}${caption}</figure>`;
    const input = pictureTag(base, { reportDir: context.reportDir, className: '' });
    return `<figure${parts}><div class="pair">${input}${stack}</div>${caption}</figure>`;
  });
  return `<div class="grid">${figures.join('')}</div>${legend(block)}`;
}

/** Returns both sides of each comparison beside each other: a page without scripts has no slider. */
export function compareFigures(block: CompareBlock, context: PictureContext): string {
  const figures = block.items.map(({ sides, width, height, caption }) => {
    const stacks = sides.map(({ label, base, values }) => {
      const uri =
        values === undefined ? undefined : heatMapUri({ width, height, values }, Number(block.limit));
      const stack = heatStack({ base, width, height, uri, alt: `${label}: ${caption}` }, context);
      return `<figure>${stack}<figcaption>${escapeHtml(label)}</figcaption></figure>`;
    });
    return `<figure><div class="pair">${stacks.join('')}</div><figcaption>${escapeHtml(caption)}</figcaption></figure>`;
  });
  return `<div class="grid">${figures.join('')}</div>${legend(block)}`;
}

interface HeatStack {
  readonly base: Picture | undefined;
  readonly width: number;
  readonly height: number;
  /** The heat map; undefined: the picture alone. */
  readonly uri: string | undefined;
  readonly alt: string;
}

/** A heat map over what it belongs to. */
function heatStack({ base, width, height, uri, alt }: HeatStack, { reportDir }: PictureContext): string {
  if (uri === undefined) {
    return base === undefined ? '' : pictureTag({ ...base, alt }, { reportDir, className: '' });
  }
  const ground = base === undefined ? '' : pictureTag({ ...base, alt: '' }, { reportDir, className: 'base' });
  return `<div class="stack">${ground}${imageTag({ uri, width, height, alt, className: 'heat' })}</div>`;
}

/** Returns what the colours mean, in the same numbers for all heat maps of a block. */
export function legend(block: Pick<OverlayBlock, 'limit' | 'scale'> & { readonly unit?: string }): string {
  const limit = formatNumber(block.limit);
  const [low, high] = block.scale === 'diverging' ? [`−${limit}`, `+${limit}`] : ['0', limit];
  const unit = block.unit === undefined ? '' : ` ${escapeHtml(block.unit)}`;
  return `<p class="legend">${low}<span class="scale ${block.scale}"></span>${high}${unit}</p>`;
}

function pictureTag(
  picture: Picture,
  options: { readonly reportDir: string; readonly className: string },
): string {
  const uri = pictureUri(picture.source, options.reportDir);
  if (uri === undefined) {
    return `<p class="muted">${escapeHtml(picture.alt)} (the picture is not in the report)</p>`;
  }
  return imageTag({ ...picture, uri, className: options.className });
}

interface ImageTag {
  readonly uri: string;
  readonly width: number;
  readonly height: number;
  readonly alt: string;
  readonly className: string;
}

function imageTag({ uri, width, height, alt, className }: ImageTag): string {
  const scale = Math.max(1, Math.ceil(minPictureSize / Math.max(width, height)));
  const classAttribute = className === '' ? '' : ` class="${className}"`;
  return `<img${classAttribute} src="${uri}" width="${width * scale}" height="${height * scale}" alt="${escapeHtml(alt)}">`;
}
