/** Which piece of a block. */
export interface PartId {
  /** Place of the item that it is a piece of, in the block's `parts.items`. */
  readonly item: number;
  /** What it is called as the value of a setting. */
  readonly name: string;
}

/** A piece of a block that a person picked. */
export interface PickedPart extends PartId {
  /** What it is and says, in words: `x 3, y 4: 0.12`. */
  readonly text: string;
  /** What the item is. */
  readonly caption?: string;
}
