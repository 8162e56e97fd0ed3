/** Tells whether the samples of data of a kind (`idx`, `images`, `csv`, …) are pictures, to call them images. */
export function holdsImages(kind: string): boolean {
  return kind === 'images' || kind === 'image' || kind === 'idx';
}
