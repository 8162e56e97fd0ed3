/** An image to be cut up, channels last. */
interface SlicOptions {
  readonly height: number;
  readonly width: number;
  readonly channelCount: number;
  /** Superpixels aimed at. */
  readonly count: number;
  /** Weight of nearness against likeness: a step of one grid width counts as much as this share of the colours' range. */
  readonly compactness?: number;
  readonly iterationCount?: number;
}

/**
 * Returns the superpixel of every pixel, numbered from 0 in the order of their first pixel: connected patches of about
 * equal size that follow edges.
 *
 * k-means over colour and place, each centre looking at pixels within two grid widths S only:
 * D² = ‖Δcolour‖² + compactness² · ‖Δplace‖² / S². Centres start on a grid, moved to the flattest pixel beside them;
 * afterwards pieces smaller than a quarter of S² join the neighbour they share the longest border with. Costs
 * O(pixels · iterations).
 *
 * Source: Achanta et al. (2012), "SLIC Superpixels Compared to State-of-the-Art Superpixel Methods", IEEE Transactions on
 * Pattern Analysis and Machine Intelligence 34(11), 2274–2282. Differs: colours are the channels as they are, scaled to
 * a range of one, not CIELAB, since an input need not be RGB.
 */
export function slic(image: Float64Array, options: SlicOptions): Int32Array {
  const { height, width, count } = options;
  const scaled = scaledToOne(image);
  const step = Math.max(1, Math.sqrt((height * width) / Math.max(1, count)));
  const centres = initialCentres(scaled, options, step);
  const labels = new Int32Array(height * width).fill(0);
  for (let i = 0; i < (options.iterationCount ?? 10); i++) {
    assign(scaled, options, { centres, step, labels });
    moveCentres(scaled, options, { centres, labels });
  }
  return connected(labels, { height, width, smallest: (step * step) / 4 });
}

interface Centre {
  y: number;
  x: number;
  readonly colour: Float64Array;
}

function scaledToOne(image: Float64Array): Float64Array {
  let low = Infinity;
  let high = -Infinity;
  for (const value of image) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const range = high - low;
  return range > 0 && Number.isFinite(range)
    ? image.map((value) => (value - low) / range)
    : image.map(() => 0);
}

function initialCentres(image: Float64Array, options: SlicOptions, step: number): Centre[] {
  const { height, width, channelCount } = options;
  const rows = Math.max(1, Math.round(height / step));
  const columns = Math.max(1, Math.round(width / step));
  const centres: Centre[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const start = {
        y: Math.max(0, Math.floor(((row + 0.5) * height) / rows - 0.5)),
        x: Math.max(0, Math.floor(((column + 0.5) * width) / columns - 0.5)),
      };
      const { y, x } = flattestBeside(image, options, start);
      const at = (y * width + x) * channelCount;
      centres.push({ y, x, colour: image.slice(at, at + channelCount) });
    }
  }
  return centres;
}

/** The pixel with the smallest gradient among a pixel and its eight neighbours: a centre must not sit on an edge. */
function flattestBeside(
  image: Float64Array,
  { height, width, channelCount }: SlicOptions,
  start: { readonly y: number; readonly x: number },
): { readonly y: number; readonly x: number } {
  const colourAt = (y: number, x: number, channel: number): number =>
    image[
      (Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))) * channelCount +
        channel
    ]!;
  const slopeAt = (y: number, x: number): number => {
    let slope = 0;
    for (let c = 0; c < channelCount; c++) {
      slope += (colourAt(y, x + 1, c) - colourAt(y, x - 1, c)) ** 2;
      slope += (colourAt(y + 1, x, c) - colourAt(y - 1, x, c)) ** 2;
    }
    return slope;
  };
  let best = start;
  let least = slopeAt(start.y, start.x);
  for (let y = Math.max(0, start.y - 1); y <= Math.min(height - 1, start.y + 1); y++) {
    for (let x = Math.max(0, start.x - 1); x <= Math.min(width - 1, start.x + 1); x++) {
      const slope = slopeAt(y, x);
      if (slope >= least) continue;
      best = { y, x };
      least = slope;
    }
  }
  return best;
}

interface Clustering {
  readonly centres: readonly Centre[];
  readonly step: number;
  readonly labels: Int32Array;
}

function assign(image: Float64Array, options: SlicOptions, { centres, step, labels }: Clustering): void {
  const { height, width, channelCount, compactness = 0.1 } = options;
  const nearness = (compactness / step) ** 2;
  const reach = Math.ceil(2 * step);
  const distances = new Float64Array(height * width).fill(Infinity);
  for (const [label, { y: cy, x: cx, colour }] of centres.entries()) {
    const [top, left] = [Math.max(0, Math.floor(cy) - reach), Math.max(0, Math.floor(cx) - reach)];
    const [bottom, right] = [
      Math.min(height - 1, Math.ceil(cy) + reach),
      Math.min(width - 1, Math.ceil(cx) + reach),
    ];
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const pixel = y * width + x;
        let distance = nearness * ((y - cy) ** 2 + (x - cx) ** 2);
        for (let c = 0; c < channelCount; c++) {
          distance += (image[pixel * channelCount + c]! - colour[c]!) ** 2;
        }
        if (distance >= distances[pixel]!) continue;
        distances[pixel] = distance;
        labels[pixel] = label;
      }
    }
  }
}

/** Moves every centre to the mean of its pixels; one that lost all of them stays where it is. */
function moveCentres(
  image: Float64Array,
  { width, channelCount }: SlicOptions,
  { centres, labels }: Omit<Clustering, 'step'>,
): void {
  const sums = centres.map(() => new Float64Array(channelCount + 3));
  for (const [pixel, label] of labels.entries()) {
    const sum = sums[label]!;
    for (let c = 0; c < channelCount; c++) sum[c]! += image[pixel * channelCount + c]!;
    sum[channelCount]! += Math.floor(pixel / width);
    sum[channelCount + 1]! += pixel % width;
    sum[channelCount + 2]! += 1;
  }
  for (const [label, centre] of centres.entries()) {
    const sum = sums[label]!;
    const count = sum[channelCount + 2]!;
    if (count === 0) continue;
    for (let c = 0; c < channelCount; c++) centre.colour[c] = sum[c]! / count;
    centre.y = sum[channelCount]! / count;
    centre.x = sum[channelCount + 1]! / count;
  }
}

interface Plane {
  readonly height: number;
  readonly width: number;
  /** Pixels under which a piece joins a neighbour. */
  readonly smallest: number;
}

/** Numbers the connected pieces of equal labels, and lets small ones join the neighbour with the longest shared border. */
function connected(labels: Int32Array, plane: Plane): Int32Array {
  const pieces = new Int32Array(labels.length).fill(-1);
  const members: number[][] = [];
  for (let pixel = 0; pixel < labels.length; pixel++) {
    if (pieces[pixel]! >= 0) continue;
    members.push(flood(labels, pieces, { start: pixel, piece: members.length, plane }));
  }
  const bySize = [...members.keys()].sort((a, b) => members[a]!.length - members[b]!.length || a - b);
  for (const piece of bySize) {
    const pixels = members[piece]!;
    if (pixels.length >= plane.smallest) continue;
    const host = longestNeighbour(pieces, pixels, plane);
    if (host === undefined) continue;
    for (const pixel of pixels) pieces[pixel] = host;
    members[host] = [...members[host]!, ...pixels];
    members[piece] = [];
  }
  return numberedByFirst(pieces);
}

function flood(
  labels: Int32Array,
  pieces: Int32Array,
  { start, piece, plane }: { readonly start: number; readonly piece: number; readonly plane: Plane },
): number[] {
  const found = [start];
  pieces[start] = piece;
  for (let next = 0; next < found.length; next++) {
    for (const beside of neighbours(found[next]!, plane)) {
      if (pieces[beside]! >= 0 || labels[beside] !== labels[start]) continue;
      pieces[beside] = piece;
      found.push(beside);
    }
  }
  return found;
}

function longestNeighbour(pieces: Int32Array, pixels: readonly number[], plane: Plane): number | undefined {
  const borders = new Map<number, number>();
  const own = pieces[pixels[0]!];
  for (const pixel of pixels) {
    for (const beside of neighbours(pixel, plane)) {
      const piece = pieces[beside]!;
      if (piece !== own) borders.set(piece, (borders.get(piece) ?? 0) + 1);
    }
  }
  let best: number | undefined;
  for (const [piece, length] of borders) {
    if (best === undefined || length > borders.get(best)!) best = piece;
  }
  return best;
}

function neighbours(pixel: number, { height, width }: Plane): number[] {
  const [y, x] = [Math.floor(pixel / width), pixel % width];
  const found: number[] = [];
  if (y > 0) found.push(pixel - width);
  if (x > 0) found.push(pixel - 1);
  if (x < width - 1) found.push(pixel + 1);
  if (y < height - 1) found.push(pixel + width);
  return found;
}

function numberedByFirst(pieces: Int32Array): Int32Array {
  const numbers = new Map<number, number>();
  return pieces.map((piece) => {
    const known = numbers.get(piece) ?? numbers.size;
    numbers.set(piece, known);
    return known;
  });
}
