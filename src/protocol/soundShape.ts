// How sounds are drawn, in one place: a page and its export show the same picture.

/** Width and height of a drawing of a wave, in its own units; drawings are stretched to the room there is. */
export const waveSize = { width: 1000, height: 100 } as const;

/** Returns the outline of a wave as an SVG path: along the largest amplitudes and back along the smallest. */
export function wavePath(lows: readonly number[], highs: readonly number[]): string {
  const { width, height } = waveSize;
  const x = (index: number): string => ((index * width) / Math.max(1, highs.length - 1)).toFixed(1);
  const y = (value: number): string => ((1 - Math.max(-1, Math.min(1, value))) * (height / 2)).toFixed(1);
  const upper = highs.map((high, index) => `${x(index)} ${y(high)}`);
  const lower = lows.map((low, index) => `${x(index)} ${y(low)}`).reverse();
  return upper.length === 0 ? '' : `M${[...upper, ...lower].join('L')}Z`;
}

/** Returns a spectrogram as RGBA pixels of one grey, high frequencies on top; what is loud is opaque. */
export function paintSpectrum(
  spectrum: readonly number[],
  frequencyCount: number,
  [red, green, blue]: readonly [number, number, number],
): { readonly width: number; readonly height: number; readonly rgba: Uint8ClampedArray<ArrayBuffer> } {
  const width = frequencyCount === 0 ? 0 : Math.floor(spectrum.length / frequencyCount);
  const rgba = new Uint8ClampedArray(width * frequencyCount * 4);
  for (let x = 0; x < width; x++) {
    for (let frequency = 0; frequency < frequencyCount; frequency++) {
      const at = ((frequencyCount - 1 - frequency) * width + x) * 4;
      rgba.set([red, green, blue, Math.round(255 * (spectrum[x * frequencyCount + frequency] ?? 0))], at);
    }
  }
  return { width, height: frequencyCount, rgba };
}

/** A piece of a sound, in seconds. */
export interface SoundSpan {
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/**
 * Returns the pieces of a sound that matter most: those whose values reach half of the largest, joined where they touch,
 * with the pieces beside them so that they can be heard.
 */
export function relevantSpans(
  values: readonly (number | string)[],
  durationSeconds: number,
): readonly SoundSpan[] {
  const sizes = values.map((value) => Math.abs(Number(value)) || 0);
  const largest = Math.max(0, ...sizes.filter(Number.isFinite));
  if (largest === 0) return [];
  const piece = durationSeconds / sizes.length;
  const spans: { fromSeconds: number; toSeconds: number }[] = [];
  for (const [index, size] of sizes.entries()) {
    if (size < largest / 2) continue;
    const fromSeconds = Math.max(0, (index - 1) * piece);
    const toSeconds = Math.min(durationSeconds, (index + 2) * piece);
    const last = spans.at(-1);
    if (last !== undefined && fromSeconds <= last.toSeconds) last.toSeconds = toSeconds;
    else spans.push({ fromSeconds, toSeconds });
  }
  return spans;
}

/** Returns a piece of a sound in words: `0.12–0.48 s`. */
export function spanText({ fromSeconds, toSeconds }: SoundSpan): string {
  return `${fromSeconds.toFixed(2)}–${toSeconds.toFixed(2)} s`;
}
