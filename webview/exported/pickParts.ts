import { formatNumber } from '../../src/protocol/formatReport.js';
import type { ExportedAsks, ExportedParts } from '../../src/protocol/exportedParts.js';
import { partName } from '../../src/protocol/partNames.js';
import { PartPopover } from './partPopover.js';

/** Where a picked piece is drawn in the window. */
type Box = Pick<DOMRect, 'left' | 'top' | 'width' | 'height'>;

/** Lets the pieces of an exported page be picked, by a click or by arrow keys and Enter: their value, and what to ask. */
export function makePickable(asks: ExportedAsks): void {
  const popover = new PartPopover(asks);
  for (const element of document.querySelectorAll<HTMLElement>('[data-parts]')) {
    // Written by the export of this very version.
    const parts = JSON.parse(element.dataset['parts'] ?? '') as ExportedParts;
    const surface = element.querySelector<HTMLElement | SVGElement>('.stack, .wave');
    if (surface !== null) makeGrid(surface, parts, popover);
    else if (element.matches('.tokens')) makeTokens(element, parts, popover);
    else makeRows(element, parts, popover);
  }
}

/** A picture or a wave: a grid of places. */
function makeGrid(surface: HTMLElement | SVGElement, parts: ExportedParts, popover: PartPopover): void {
  const [rowCount = 1, columnCount = 1] = parts.counts.length === 2 ? parts.counts : [1, ...parts.counts];
  let at = { x: 0, y: 0 };
  const boxOf = ({ x, y }: typeof at): Box => {
    const { left, top, width, height } = surface.getBoundingClientRect();
    const cell = { width: width / columnCount, height: height / rowCount };
    return { left: left + x * cell.width, top: top + y * cell.height, ...cell };
  };
  const move = (x: number, y: number): void => {
    at = { x: clamp(x, columnCount), y: clamp(y, rowCount) };
    popover.mark(boxOf(at));
  };
  const pick = (): void => {
    const place = parts.counts.length === 2 ? [at.y, at.x] : [at.x];
    const value = formatNumber(parts.values[at.y * columnCount + at.x] ?? 'NaN');
    const where = parts.counts.length === 2 ? `x ${String(at.x)}, y ${String(at.y)}` : spanOf(parts, at.x);
    popover.show(
      parts,
      { name: partName(parts.sizes, parts.counts, place), text: `${where}: ${value}` },
      boxOf(at),
    );
  };
  surface.setAttribute('tabindex', '0');
  surface.addEventListener('click', (event) => {
    if (!(event instanceof MouseEvent)) return;
    const { left, top, width, height } = surface.getBoundingClientRect();
    move(
      Math.floor(((event.clientX - left) / width) * columnCount),
      Math.floor(((event.clientY - top) / height) * rowCount),
    );
    pick();
  });
  onKeys(surface, {
    move: (dx, dy) => {
      move(at.x + dx, at.y + dy);
    },
    pick,
  });
}

function makeTokens(text: HTMLElement, parts: ExportedParts, popover: PartPopover): void {
  const spans = [...text.querySelectorAll('span')];
  let at = 0;
  const focus = (index: number): void => {
    spans[at]?.setAttribute('tabindex', '-1');
    at = clamp(index, spans.length);
    spans[at]?.setAttribute('tabindex', '0');
    spans[at]?.focus();
  };
  const pick = (): void => {
    const span = spans[at];
    if (span === undefined) return;
    const name = partName(parts.sizes, parts.counts, [at]);
    const value = formatNumber(parts.values[at] ?? 'NaN');
    const box = span.getBoundingClientRect();
    popover.mark(box);
    popover.show(parts, { name, text: `“${span.textContent.trim()}” ${value}` }, box);
  };
  for (const [index, span] of spans.entries()) span.setAttribute('tabindex', index === 0 ? '0' : '-1');
  text.addEventListener('click', (event) => {
    const index = spans.findIndex((span) => span === event.target);
    if (index < 0) return;
    focus(index);
    pick();
  });
  onKeys(text, {
    move: (dx, dy) => {
      focus(at + dx + dy);
    },
    pick,
  });
}

function makeRows(table: HTMLElement, parts: ExportedParts, popover: PartPopover): void {
  for (const row of table.querySelectorAll<HTMLTableRowElement>('tr[data-part]')) {
    const pick = (): void => {
      const text = [...row.cells].map((cell) => cell.textContent.trim()).join(' · ');
      const box = row.getBoundingClientRect();
      popover.mark(box);
      const item = parts.items?.[Number(row.dataset['item'])] ?? parts.item;
      popover.show({ ...parts, item }, { name: row.dataset['part'] ?? '', text }, box);
    };
    row.tabIndex = 0;
    row.addEventListener('click', pick);
    onKeys(row, { pick });
  }
}

function onKeys(
  element: HTMLElement | SVGElement,
  { move, pick }: { readonly move?: (dx: number, dy: number) => void; readonly pick: () => void },
): void {
  element.addEventListener('keydown', (event) => {
    if (!(event instanceof KeyboardEvent)) return;
    const step = steps[event.key];
    const isPick = event.key === 'Enter' || event.key === ' ';
    if (!isPick && (step === undefined || move === undefined)) return;
    event.preventDefault();
    if (isPick) pick();
    else if (step !== undefined) move?.(...step);
  });
}

const steps: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

function spanOf({ counts, sizes }: ExportedParts, piece: number): string {
  return partName(sizes, counts, [piece]).replace(',', '–');
}

function clamp(value: number, count: number): number {
  return Math.max(0, Math.min(count - 1, value));
}
