import { project } from './ball.js';
import { gapsOf, type Hunt, joined } from './hunt.js';

/** Share of a picture's elements that the first squares cover. */
const firstShare = 0.3;

/** Queries, of 10,000, after which squares shrink to half their share. */
const halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];

/**
 * Random search over squares at ±ε, by scores alone: a square of one sign per channel is laid on a random place, and stays
 * where the gap grows. It starts from vertical stripes; squares shrink as queries are used up.
 *
 * Rows that are no pictures get random sets of elements in place of squares. L∞ only.
 *
 * Source: Andriushchenko, Croce, Flammarion & Hein (2020), "Square Attack: a query-efficient black-box adversarial attack
 * via random search", https://arxiv.org/abs/1912.00049. Differs: the first squares cover 30 % of the picture whatever ε.
 */
export async function squareAttack(hunt: Hunt): Promise<void> {
  const { plan, prey, victim } = hunt;
  const layout = layoutOf(hunt);
  const ask = async (indices: readonly number[], values: Float32Array): Promise<void> => {
    const classes = indices.map((i) => prey.classes[i] ?? 0);
    const scores = await victim.scores({ rows: indices.map((i) => prey.rows[i] ?? 0), values, classes });
    hunt.queryCount += indices.length;
    hunt.keep(indices, values, gapsOf(scores, classes, plan.isTargeted));
  };
  const all = hunt.open();
  await ask(all, joined(all.map((i) => hunt.part(prey.values, i))));
  for (let query = 0; query < plan.queries; query++) {
    const open = hunt.open();
    if (open.length === 0) return;
    const tried = open.map((i) => {
      const point = (query === 0 ? hunt.part(prey.values, i) : hunt.part(hunt.best.values, i)).slice();
      const places = query === 0 ? stripes(hunt, layout) : square(hunt, layout, shareAt(query, plan.queries));
      const { epsilon, centre } = hunt.ball(i);
      for (const { at, sign } of places) point[at] = (centre[at] ?? NaN) + sign * epsilon;
      project(point, hunt.ball(i));
      return point;
    });
    await ask(open, joined(tried));
  }
}

function shareAt(query: number, queries: number): number {
  const used = (10_000 * query) / queries;
  return firstShare / 2 ** halvings.filter((limit) => used > limit).length;
}

/** Where the elements of a picture stand; a table is a picture of one column. */
interface Layout {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly indexOf: (channel: number, y: number, x: number) => number;
}

function layoutOf({ plan, victim }: Hunt): Layout {
  const { dims, channelAxis } = plan;
  const channel = channelAxis === undefined ? -1 : channelAxis - 1;
  const [height, width, ...more] = dims.filter((_, axis) => axis !== channel);
  if (height === undefined || width === undefined || more.length > 0) {
    return { channels: 1, height: victim.size, width: 1, indexOf: (_, y) => y };
  }
  const channels = channel < 0 ? 1 : (dims[channel] ?? 1);
  const isFirst = channel <= 0;
  return {
    channels,
    height,
    width,
    indexOf: (at, y, x) => (isFirst ? (at * height + y) * width + x : (y * width + x) * channels + at),
  };
}

interface Place {
  readonly at: number;
  readonly sign: number;
}

function stripes({ plan }: Hunt, { channels, height, width, indexOf }: Layout): Place[] {
  const places: Place[] = [];
  // A table has a single column: every element is a stripe of its own.
  const stripeCount = width === 1 ? height : width;
  for (let channel = 0; channel < channels; channel++) {
    const signs = Array.from({ length: stripeCount }, () => (plan.random.next() < 0.5 ? -1 : 1));
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        places.push({ at: indexOf(channel, y, x), sign: signs[width === 1 ? y : x] ?? 1 });
      }
    }
  }
  return places;
}

function square({ plan }: Hunt, layout: Layout, share: number): Place[] {
  const { channels, height, width, indexOf } = layout;
  const { random } = plan;
  if (width === 1) {
    const count = Math.max(1, Math.round(share * height));
    const sign = random.next() < 0.5 ? -1 : 1;
    return [...random.permutation(height).subarray(0, count)].map((y) => ({ at: indexOf(0, y, 0), sign }));
  }
  const side = Math.max(1, Math.min(height, width, Math.round(Math.sqrt(share * height * width))));
  const [top, left] = [random.integer(height - side + 1), random.integer(width - side + 1)];
  const places: Place[] = [];
  for (let channel = 0; channel < channels; channel++) {
    const sign = random.next() < 0.5 ? -1 : 1;
    for (let y = top; y < top + side; y++) {
      for (let x = left; x < left + side; x++) places.push({ at: indexOf(channel, y, x), sign });
    }
  }
  return places;
}
