// Masks of one sample as bits, 32 positions a word: overlaps are counted a word at a time.

/** Returns an empty mask of some positions. */
export function createBits(positionCount: number): Uint32Array {
  return new Uint32Array(Math.ceil(positionCount / 32));
}

/** Puts a position into a mask. */
export function setBit(bits: Uint32Array, position: number): void {
  bits[position >>> 5] = (bits[position >>> 5] ?? 0) | (1 << (position & 31));
}

/** Puts every position into a mask. */
export function setAll(bits: Uint32Array, positionCount: number): void {
  bits.fill(0xffffffff);
  const rest = positionCount & 31;
  if (rest !== 0) bits[bits.length - 1] = (1 << rest) - 1;
}

/** Returns how many positions a mask has, or those that two masks have in common. */
export function countBits(bits: Uint32Array, other = bits): number {
  let count = 0;
  for (let word = 0; word < bits.length; word++) count += onesOf((bits[word] ?? 0) & (other[word] ?? 0));
  return count;
}

/** The ones of a 32-bit word: added up in pairs, fours and eights, then all bytes by one product. */
function onesOf(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
