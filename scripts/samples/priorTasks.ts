import type { Random } from '../../src/base/random.js';

/** A table of two columns whose rows have one of two classes by some rule, in two parts. */
export interface Task {
  /** `[trainCount, 2]` */
  readonly trainRows: Float32Array;
  readonly trainClasses: Uint8Array;
  /** `[queryCount, 2]` */
  readonly queryRows: Float32Array;
  readonly queryClasses: Uint8Array;
}

/** Columns are drawn evenly from −reach to reach. */
export const reach = 2;

/** Share of the classes that are drawn at random, whatever the rule says. */
const noise = 0.04;

/** Draws a rule, and rows with their classes by it. */
export function drawTask(
  random: Random,
  { trainCount, queryCount }: { readonly trainCount: number; readonly queryCount: number },
): Task {
  const rule = drawRule(random);
  const rows = (count: number): Float32Array =>
    Float32Array.from({ length: 2 * count }, () => reach * (2 * random.next() - 1));
  const classes = (of: Float32Array): Uint8Array =>
    Uint8Array.from({ length: of.length / 2 }, (_, row) =>
      random.next() < noise ? random.integer(2) : Number(rule(of[2 * row] ?? 0, of[2 * row + 1] ?? 0) > 0),
    );
  const trainRows = rows(trainCount);
  const queryRows = rows(queryCount);
  return { trainRows, trainClasses: classes(trainRows), queryRows, queryClasses: classes(queryRows) };
}

type Rule = (a: number, b: number) => number;

/** A line, a step along a column, a disc, or the sign of a small random network. */
function drawRule(random: Random): Rule {
  const sign = random.integer(2) === 0 ? 1 : -1;
  switch (random.integer(4)) {
    case 0: {
      const [u, v, offset] = [random.normal(), random.normal(), 0.7 * random.normal()];
      return (a, b) => u * a + v * b + offset;
    }
    case 1: {
      const [column, edge] = [random.integer(2), 1.2 * (2 * random.next() - 1)];
      return (a, b) => sign * ((column === 0 ? a : b) - edge);
    }
    case 2: {
      const [x, y, radius] = [random.normal(), random.normal(), 0.8 + random.next()];
      return (a, b) => sign * (radius ** 2 - (a - x) ** 2 - (b - y) ** 2);
    }
    default:
      return drawNetwork(random);
  }
}

function drawNetwork(random: Random): Rule {
  const units = Array.from({ length: 4 }, () => [
    1.2 * random.normal(),
    1.2 * random.normal(),
    random.normal(),
    random.normal(),
  ]);
  return (a, b) =>
    units.reduce(
      (sum, [u = 0, v = 0, offset = 0, out = 0]) => sum + out * Math.tanh(u * a + v * b + offset),
      0,
    );
}
