import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { addScaled } from '../../../engine/numeric/vectors.js';
import type { AffineMap, PiecewiseNetwork, Stage } from './network.js';
import { type Box, type Centre, centreOf, type HalfSpace, rangeOver, thinnest } from './region.js';

/** A node of an exact tree: a question about weights · x + bias ≤ 0, a leaf with its affine outputs, or a branch not grown. */
export type RegionNode =
  | {
      readonly kind: 'split';
      readonly unit: string;
      readonly wall: HalfSpace;
      readonly sampleCount: number;
      /** Where weights · x + bias ≤ 0. */
      below: RegionNode;
      above: RegionNode;
    }
  | {
      readonly kind: 'leaf';
      readonly index: number;
      readonly outputs: readonly HalfSpace[];
      readonly sampleCount: number;
    }
  | { readonly kind: 'open'; readonly sampleCount: number };

/** A tree, and what growing it came to. */
export interface RegionTree {
  readonly root: RegionNode;
  readonly leafCount: number;
  readonly splitCount: number;
  /** Branches that were not grown, because of the limit on leaves. */
  readonly openCount: number;
  /** Questions with a single possible answer, which the tree does not ask. */
  readonly removedCount: number;
  readonly depth: number;
}

/** How a tree is grown. */
export interface GrowthRequest {
  readonly box: Box;
  /** Inputs of the data: branches with most of them are grown first. */
  readonly samples: readonly Float64Array[];
  readonly maxLeaves: number;
  readonly signal: AbortSignal;
  onLeaf(leafCount: number): void;
}

/** A branch to be grown: its region, and the affine forms of all elements known in it. */
interface Branch {
  readonly walls: readonly HalfSpace[];
  readonly centre: Centre;
  readonly samples: readonly number[];
  readonly stage: number;
  readonly unit: number;
  /** Pieces of the unit's function that are still possible. */
  readonly pieces: readonly [first: number, last: number];
  /** Input and activations of finished stages, as forms of the input. */
  readonly forms: readonly HalfSpace[];
  /** What enters this stage; undefined until it is reached. */
  readonly entering: readonly HalfSpace[] | undefined;
  /** Activations of this stage so far. */
  readonly done: readonly HalfSpace[];
  place(node: RegionNode): void;
}

/**
 * Grows the exact tree of a network over a box: units are asked in order, layer by layer, and each is a question about an affine
 * form of the input, which is known once all units before it are answered. An answer that no input of the region can give is
 * found by linear programming and its branch left out.
 *
 * Source: Aytekin (2022), "Neural Networks are Decision Trees", https://arxiv.org/abs/2210.05189. Differs: branches are
 * left out where they are empty within the box, and grown by how many samples they hold.
 */
export async function growTree(network: PiecewiseNetwork, request: GrowthRequest): Promise<RegionTree> {
  const { samples, box } = request;
  let root: RegionNode = { kind: 'open', sampleCount: samples.length };
  const growth = new Growth(network, request);
  growth.pending.push({
    walls: [],
    centre: centreOf(box, []),
    samples: [...samples.keys()],
    stage: 0,
    unit: 0,
    pieces: [0, Infinity],
    forms: inputForms(network.inputSize),
    entering: undefined,
    done: [],
    place: (node) => {
      root = node;
    },
  });
  for (let branch = growth.next(); branch !== undefined; branch = growth.next()) {
    throwIfAborted(request.signal);
    growth.advance(branch);
    request.onLeaf(growth.leafCount);
    await yieldToEventLoop();
  }
  const { leafCount, splitCount, openCount, removedCount } = growth;
  return { root, leafCount, splitCount, openCount, removedCount, depth: depthOf(root) };
}

function inputForms(size: number): HalfSpace[] {
  return Array.from({ length: size }, (_, i) => {
    const weights = new Float64Array(size);
    weights[i] = 1;
    return { weights, bias: 0 };
  });
}

/** A tree being grown. */
class Growth {
  readonly pending: Branch[] = [];
  leafCount = 0;
  splitCount = 0;
  openCount = 0;
  removedCount = 0;
  private readonly network: PiecewiseNetwork;
  private readonly request: GrowthRequest;

  constructor(network: PiecewiseNetwork, request: GrowthRequest) {
    this.network = network;
    this.request = request;
  }

  /** Takes the branch with most samples, the oldest of equal ones. */
  next(): Branch | undefined {
    let best = 0;
    for (const [i, branch] of this.pending.entries()) {
      if (branch.samples.length > (this.pending[best]?.samples.length ?? 0)) best = i;
    }
    return this.pending.splice(best, 1)[0];
  }

  /** Answers units until one has two answers or none is left. */
  advance(start: Branch): void {
    let branch = start;
    for (;;) {
      const stage = this.network.stages[branch.stage];
      if (stage === undefined) {
        this.finish(branch);
        return;
      }
      const entering = branch.entering ?? compose(stage.map, branch.forms);
      const next = this.answer({ ...branch, entering }, stage, entering);
      if (next === undefined) return;
      branch = next;
    }
  }

  /** Answers the next unit: returns the branch beyond it, or undefined when it became two. */
  private answer(branch: Branch, stage: Stage, entering: readonly HalfSpace[]): Branch | undefined {
    const { unit } = branch;
    const [form, fn] = [entering[unit], stage.functions[unit]];
    if (form === undefined || fn === undefined) {
      const forms = [...branch.forms, ...branch.done];
      return {
        ...branch,
        stage: branch.stage + 1,
        unit: 0,
        pieces: [0, Infinity],
        forms,
        entering: undefined,
        done: [],
      };
    }
    let [first, last] = [branch.pieces[0], Math.min(branch.pieces[1], fn.ends.length)];
    for (let end = first; end < last; end++) {
      const wall = { weights: form.weights, bias: form.bias - (fn.ends[end] ?? 0) };
      const sides = this.sidesOf(branch, wall);
      if (sides.below && sides.above) {
        this.split({ ...branch, pieces: [first, last] }, { wall, end, unit: stage.units[unit] ?? '' });
        return undefined;
      }
      this.removedCount++;
      if (sides.below) last = end;
      else first = end + 1;
    }
    const piece = fn.pieces[first] ?? { slope: NaN, offset: NaN };
    const activation = {
      weights: form.weights.map((weight) => piece.slope * weight),
      bias: piece.slope * form.bias + piece.offset,
    };
    return { ...branch, unit: unit + 1, pieces: [0, Infinity], done: [...branch.done, activation] };
  }

  private finish(branch: Branch): void {
    const outputs = compose(this.network.head, branch.forms);
    branch.place({ kind: 'leaf', index: this.leafCount++, outputs, sampleCount: branch.samples.length });
  }

  private split(
    branch: Branch,
    at: { readonly wall: HalfSpace; readonly end: number; readonly unit: string },
  ): void {
    const sampleCount = branch.samples.length;
    if (this.leafCount + this.pending.length + this.openCount + 2 > this.request.maxLeaves) {
      this.openCount++;
      branch.place({ kind: 'open', sampleCount });
      return;
    }
    this.splitCount++;
    const open: RegionNode = { kind: 'open', sampleCount: 0 };
    const node: RegionNode & { kind: 'split' } = {
      kind: 'split',
      ...at,
      sampleCount,
      below: open,
      above: open,
    };
    branch.place(node);
    const isBelow = (sample: number): boolean => valueAt(at.wall, this.request.samples[sample] ?? []) <= 0;
    const [first, last] = branch.pieces;
    this.open(branch, at.wall, {
      samples: branch.samples.filter(isBelow),
      pieces: [first, at.end],
      place: (below) => {
        node.below = below;
      },
    });
    this.open(branch, opposite(at.wall), {
      samples: branch.samples.filter((sample) => !isBelow(sample)),
      pieces: [at.end + 1, last],
      place: (above) => {
        node.above = above;
      },
    });
  }

  /** Leaves the part of a branch beyond a wall to be grown. */
  private open(branch: Branch, wall: HalfSpace, rest: Pick<Branch, 'samples' | 'pieces' | 'place'>): void {
    const walls = [...branch.walls, wall];
    this.pending.push({ ...branch, ...rest, walls, centre: centreOf(this.request.box, walls) });
  }

  /** Which answers inputs of the region can give; what the box, the samples or the centre settle needs no linear program. */
  private sidesOf(branch: Branch, wall: HalfSpace): { readonly below: boolean; readonly above: boolean } {
    const { box, samples } = this.request;
    const [least, greatest] = rangeOver(box, wall);
    if (greatest <= 0 || least > 0) return { below: greatest <= 0, above: least > 0 };
    const atCentre = centreValue(box, branch.centre, wall);
    const reach = branch.centre.radius - thinnest;
    let [below, above] = [atCentre < reach, atCentre > -reach];
    for (const sample of branch.samples) {
      const value = valueAt(wall, samples[sample] ?? []);
      if (value <= 0) below = true;
      else above = true;
      if (below && above) return { below, above };
    }
    below ||= centreOf(box, [...branch.walls, wall]).radius > thinnest;
    above ||= centreOf(box, [...branch.walls, opposite(wall)]).radius > thinnest;
    // A region that rounding has left neither way is as thin as can be: it goes the way of its centre.
    return below || above ? { below, above } : { below: atCentre <= 0, above: atCentre > 0 };
  }
}

/** Distance of a region's centre from a wall, in the scaled box; negative below. */
function centreValue(box: Box, { point }: Centre, { weights, bias }: HalfSpace): number {
  let [sum, size] = [bias, 0];
  for (const [i, low] of box.low.entries()) {
    const slope = (weights[i] ?? 0) * ((box.high[i] ?? 0) - low);
    sum += (weights[i] ?? 0) * low + slope * (point[i] ?? 0);
    size += slope * slope;
  }
  return size === 0 ? sum : sum / Math.sqrt(size);
}

function opposite({ weights, bias }: HalfSpace): HalfSpace {
  return { weights: weights.map((weight) => -weight), bias: -bias };
}

function compose({ matrix, offset }: AffineMap, forms: readonly HalfSpace[]): HalfSpace[] {
  const size = forms[0]?.weights.length ?? 0;
  const width = matrix.length / Math.max(1, offset.length);
  return Array.from(offset, (base, output) => {
    const weights = new Float64Array(size);
    let bias = base;
    for (const [at, form] of forms.entries()) {
      const factor = at < width ? (matrix[output * width + at] ?? NaN) : 0;
      if (factor === 0) continue;
      bias += factor * form.bias;
      addScaled(weights, form.weights, factor);
    }
    return { weights, bias };
  });
}

/** Returns weights · x + bias. */
export function valueAt({ weights, bias }: HalfSpace, x: ArrayLike<number>): number {
  let sum = bias;
  for (const [i, weight] of weights.entries()) sum += weight * (x[i] ?? NaN);
  return sum;
}

/** Returns the leaf that an input belongs to, or the branch not grown that it ends in. */
export function nodeOf(
  root: RegionNode,
  x: ArrayLike<number>,
): Exclude<RegionNode, { readonly kind: 'split' }> {
  let node = root;
  while (node.kind === 'split') node = valueAt(node.wall, x) <= 0 ? node.below : node.above;
  return node;
}

function depthOf(node: RegionNode): number {
  return node.kind === 'split' ? 1 + Math.max(depthOf(node.below), depthOf(node.above)) : 0;
}
