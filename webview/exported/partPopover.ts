import { shellLine } from '../../src/base/shellQuote.js';
import type { ExportedAsks, ExportedParts } from '../../src/protocol/exportedParts.js';
import { followUpSettings } from '../../src/protocol/partNames.js';
import type { FollowUp } from '../../src/protocol/parts.js';

type Box = Pick<DOMRect, 'left' | 'top' | 'width' | 'height'>;

/** Says what a piece of an exported page is, and by which commands to ask about it: the page itself runs nothing. */
export class PartPopover {
  private readonly asks: ExportedAsks;
  private readonly panel = document.createElement('div');
  private readonly marker = document.createElement('div');

  constructor(asks: ExportedAsks) {
    this.asks = asks;
    this.panel.className = 'part';
    this.panel.popover = 'auto';
    this.panel.role = 'dialog';
    this.marker.className = 'mark';
    this.marker.hidden = true;
    document.body.append(this.marker, this.panel);
    // What is marked has moved.
    window.addEventListener('resize', () => {
      this.marker.hidden = true;
    });
  }

  /** Draws a box around a piece. */
  mark(box: Box): void {
    this.marker.hidden = false;
    place(this.marker, { left: box.left, top: box.top });
    this.marker.style.width = `${String(box.width)}px`;
    this.marker.style.height = `${String(box.height)}px`;
  }

  /** Opens beside a piece. */
  show(parts: ExportedParts, part: { readonly name: string; readonly text: string }, box: Box): void {
    const { noun, caption, followUps } = parts;
    const heading = `${noun.slice(0, 1).toUpperCase()}${noun.slice(1)} ${part.text}`;
    const asked = this.asks.followUps.filter(({ id }) => followUps.includes(id));
    this.panel.ariaLabel = heading;
    this.panel.replaceChildren(
      line(heading),
      ...(caption === '' ? [] : [line(caption, 'muted')]),
      ...asked.flatMap((followUp) => this.question(followUp, { item: parts.item, name: part.name })),
    );
    this.panel.showPopover();
    const isBelow = box.top + box.height + 6 + this.panel.offsetHeight <= window.innerHeight;
    const top = isBelow ? box.top + box.height + 6 : Math.max(6, box.top - 6 - this.panel.offsetHeight);
    place(this.panel, {
      left: Math.max(6, Math.min(box.left, window.innerWidth - this.panel.offsetWidth - 6)),
      top,
    });
  }

  private question(
    followUp: FollowUp,
    part: { readonly item: ExportedParts['item']; readonly name: string },
  ): HTMLElement[] {
    const { head, tail } = this.asks;
    const settings = Object.entries(followUpSettings(followUp, part)).flatMap(([key, value]) => [
      '--set',
      `${key}=${String(value ?? '')}`,
    ]);
    const command = document.createElement('code');
    command.textContent = shellLine([...head, ...settings, ...tail], 'posix');
    const copy = document.createElement('button');
    copy.type = 'button';
    copy.textContent = 'Copy command';
    copy.addEventListener('click', () => {
      // Pages from a file may be refused the clipboard: then the text is selected for the person to copy.
      navigator.clipboard.writeText(command.textContent).then(
        () => {
          copy.textContent = 'Copied';
        },
        () => getSelection()?.selectAllChildren(command),
      );
    });
    return [line(followUp.label), command, copy];
  }
}

function line(text: string, className = ''): HTMLElement {
  const element = document.createElement('p');
  element.className = className;
  element.textContent = text;
  return element;
}

/** Puts an element at a place in the window, where it stays in the page. */
function place(element: HTMLElement, { left, top }: { readonly left: number; readonly top: number }): void {
  element.style.left = `${String(left + window.scrollX)}px`;
  element.style.top = `${String(top + window.scrollY)}px`;
}
