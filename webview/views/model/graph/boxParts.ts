import type { GraphItem, ItemId } from './graphTree.js';
import type { EdgeEnd, LevelEdge } from './levelEdges.js';

// Shapes that the ways of laying out a box share.

/** A place in a box, in CSS pixels from its upper left corner. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Width and height in CSS pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** An edge as it is drawn inside its box. */
export interface BoxLine {
  /** Keys of the edges that it stands for. */
  readonly keys: readonly string[];
  readonly points: readonly Point[];
  /** Whether it ends at something and not at a border behind which it goes on. */
  readonly hasArrow: boolean;
}

/** Where everything directly inside an expanded box is. */
export interface BoxLayout extends Size {
  readonly places: ReadonlyMap<ItemId, Point>;
  /** Places on the border by port. */
  readonly ports: ReadonlyMap<string, Point>;
  readonly lines: readonly BoxLine[];
}

/** What the layout of a box is made from. */
export interface BoxParts {
  readonly box: GraphItem;
  readonly edges: readonly LevelEdge[];
  /** Size of a child that is not expanded. */
  readonly sizeOf: (child: ItemId) => Size;
  /** Layout of a child that is expanded. */
  readonly layoutOf: (child: ItemId) => BoxLayout | undefined;
  /** Room for the title of the box. */
  readonly titleWidth: number;
}

/** Height of the title of an expanded box. */
export const titleHeight = 24;

/** Room between the border of a box and what is inside. */
export const padding = 14;

/** An edge as it is drawn: those that look the same are one. */
export interface DrawnEdge {
  readonly keys: readonly string[];
  readonly from: EdgeEnd;
  readonly to: EdgeEnd;
}
