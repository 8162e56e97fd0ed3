import type { Size } from './boxParts.js';
import type { GraphItem } from './graphTree.js';
import { isBox } from './graphLayout.js';
import { t } from '../../../text.js';

/** Sizes of the two lines of a box, in CSS pixels at zoom 1. */
const titleFontSize = 12;
const labelFontSize = 11;

/** Room beside the text of a box, and beside what opens it. */
const sidePadding = 10;
const twistieWidth = 14;

const narrowest = 92;
const widest = 230;
const boxHeight = 38;

/** Returns the first line of a box: what it is. */
export function boxTitle(item: GraphItem): string {
  switch (item.kind) {
    case 'node':
      return item.node?.operator ?? '';
    case 'module':
    case 'block':
    case 'part':
      return item.label;
    case 'input':
    case 'output':
      return item.name;
  }
}

/** Returns the second line of a box: what it is called, or how much is inside. */
export function boxLabel(item: GraphItem): string {
  switch (item.kind) {
    case 'node':
      return nodeLabel(item);
    case 'module':
    case 'block':
    case 'part':
      return insideLabel(item);
    case 'input':
    case 'output':
      return item.label;
  }
}

/** `Conv` below `Conv` says nothing: then the shape of what comes out stands there. */
function nodeLabel({ label, node }: GraphItem): string {
  const plain = label.replace(/_\d+$/, '');
  if (node === undefined || plain.toLowerCase() !== node.operator.toLowerCase()) return label;
  const [shape] = node.shapes;
  return shape === undefined || shape === null || shape.length === 0
    ? label
    : shape.map((size) => size ?? '?').join(' × ');
}

/** What it was recognised as, unless that is its title, and how much is inside. */
function insideLabel({ kind, blocks, nodeCount }: GraphItem): string {
  const count = nodeCount === 1 ? t('1 node') : t('{0} nodes', nodeCount.toLocaleString('en-US'));
  return kind === 'block' ? count : [...blocks, count].join(' · ');
}

/** Texts of boxes in the font of the page: how much room they need, and how they are cut. */
export class BoxText {
  private readonly context: CanvasRenderingContext2D;
  private readonly fontFamily: string;

  constructor() {
    const context = document.createElement('canvas').getContext('2d');
    if (context === null) throw new Error('The browser draws no text.');
    this.context = context;
    this.fontFamily = getComputedStyle(document.body).fontFamily;
  }

  /** Returns the size of a closed box. */
  readonly size = (item: GraphItem): Size => {
    const title = this.width(boxTitle(item), titleFontSize, 600) + (isBox(item) ? twistieWidth : 0);
    const label = this.width(boxLabel(item), labelFontSize, 400);
    const wanted = Math.ceil(Math.max(title, label)) + 2 * sidePadding;
    return { width: Math.min(widest, Math.max(narrowest, wanted)), height: boxHeight };
  };

  /** Returns the room that the title of an open box needs. */
  readonly titleWidth = (item: GraphItem): number =>
    Math.min(
      widest,
      Math.ceil(this.width(boxTitle(item), titleFontSize, 600)) + twistieWidth + 2 * sidePadding,
    );

  /** Returns a title cut to a width. */
  title(item: GraphItem, width: number): string {
    const room = width - 2 * sidePadding - (isBox(item) ? twistieWidth : 0);
    return this.cut(boxTitle(item), { room, fontSize: titleFontSize, weight: 600 });
  }

  /** Returns a label cut to a width. */
  label(text: string, width: number): string {
    return this.cut(text, { room: width - 2 * sidePadding, fontSize: labelFontSize, weight: 400 });
  }

  /** Tells whether a label needs no cut. */
  labelFits(text: string, width: number): boolean {
    return this.width(text, labelFontSize, 400) <= width - 2 * sidePadding;
  }

  private width(text: string, fontSize: number, weight: number): number {
    this.context.font = `${String(weight)} ${String(fontSize)}px ${this.fontFamily}`;
    return this.context.measureText(text).width;
  }

  /** The end of a name tells it from its neighbours: the middle goes. */
  private cut(
    text: string,
    at: { readonly room: number; readonly fontSize: number; readonly weight: number },
  ): string {
    const { room, fontSize, weight } = at;
    if (this.width(text, fontSize, weight) <= room) return text;
    let [fits, fails] = [1, text.length];
    while (fails - fits > 1) {
      const length = (fits + fails) >> 1;
      if (this.width(shortenedTo(text, length), fontSize, weight) <= room) fits = length;
      else fails = length;
    }
    return shortenedTo(text, fits);
  }
}

function shortenedTo(text: string, length: number): string {
  const front = Math.ceil(length / 3);
  return `${text.slice(0, front)}…${text.slice(text.length - (length - front))}`;
}
