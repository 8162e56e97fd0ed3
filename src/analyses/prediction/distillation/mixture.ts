import { type FitRows, fitTree, type FittedNode, leafFor, refitTree } from '../../../engine/trees/fitTree.js';
import type { DistillationSettings } from './settings.js';

/** Rows as concepts and the model's answers. */
export interface ConceptRows {
  /** `[rows][concepts]`. */
  readonly concepts: readonly Float64Array[];
  /** Class that the model gives each row. */
  readonly answers: Int32Array;
  readonly classCount: number;
}

/** A shallow expert and the part of the rows that it answers. */
export interface Expert {
  /** Says the class. */
  readonly rules: FittedNode;
  /** Takes a row (1), or passes it on (0). */
  readonly selector: FittedNode;
}

/** Times that an expert and its selector are fitted to each other, at most. */
const roundCount = 8;

/** Share of all fitted rows that an expert must take, and rows of a leaf, at least: fewer are no rule. */
const [leastShare, leastRows] = [0.02, 4];

type Limits = Pick<DistillationSettings, 'experts' | 'depth' | 'selectorDepth' | 'agreement'>;

/**
 * Returns experts, each fitted to what those before it passed on: route, interpret, repeat.
 *
 * An expert is a shallow tree on the answers of the model; its selector is a shallow tree on where the two agree, and takes the
 * leaves in which they do often enough. Expert and selector are fitted in turn, the expert to the rows taken, until the rows
 * stay the same. The first expert that takes too little ends the list.
 */
export function fitExperts(data: ConceptRows, rows: readonly number[], limits: Limits): readonly Expert[] {
  const experts: Expert[] = [];
  let left = rows;
  const leastTaken = Math.max(leastRows, Math.ceil(leastShare * rows.length));
  while (experts.length < limits.experts && left.length >= leastTaken) {
    const found = fitExpert(data, left, limits);
    if (found === undefined || found.taken.length < leastTaken) break;
    experts.push(found.expert);
    const taken = new Set(found.taken);
    left = left.filter((row) => !taken.has(row));
  }
  return experts;
}

interface FoundExpert {
  readonly expert: Expert;
  readonly taken: readonly number[];
}

function fitExpert(
  { concepts, answers, classCount }: ConceptRows,
  rows: readonly number[],
  { depth, selectorDepth, agreement }: Limits,
): FoundExpert | undefined {
  const base = { features: concepts, classes: answers, classCount };
  let own = rows;
  let best: FoundExpert | undefined;
  for (let round = 0; round < roundCount; round++) {
    const rules = fitTree({ ...base, rows: own }, { depth, leafRows: leastRows });
    const agrees = Uint8Array.from(answers, (answer, row) =>
      Number(leafFor(rules, concepts[row] ?? []).class === answer),
    );
    const fitted = fitTree(
      { features: concepts, classes: agrees, classCount: 2, rows },
      { depth: selectorDepth, leafRows: leastRows, keepsAlike: true },
    );
    const selector = selecting(fitted, agreement);
    const taken = rows.filter((row) => isTaken(selector, concepts[row] ?? []));
    if (taken.length === 0) break;
    if (best === undefined || taken.length > best.taken.length) best = { expert: { rules, selector }, taken };
    if (taken.length === own.length && taken.every((row, at) => row === own[at])) break;
    own = taken;
  }
  return best;
}

/** A tree of agreement with 1 in the leaves where it is high enough, and 0 elsewhere. */
function selecting(node: FittedNode, agreement: number): FittedNode {
  if (node.kind === 'leaf') {
    const [differs = 0, agrees = 0] = node.counts;
    return { ...node, class: Number(agrees >= agreement * (agrees + differs)) };
  }
  const [below, above] = [selecting(node.below, agreement), selecting(node.above, agreement)];
  const isSame = below.kind === 'leaf' && above.kind === 'leaf' && below.class === above.class;
  return isSame
    ? { ...below, counts: below.counts.map((count, at) => count + (above.counts[at] ?? 0)) }
    : { ...node, below, above };
}

function isTaken(selector: FittedNode, concepts: ArrayLike<number>): boolean {
  return leafFor(selector, concepts).class === 1;
}

/** Who answers a row, and what. */
export interface RoutedRow {
  /** Index of the expert; −1: none, the model itself. */
  readonly expert: number;
  /** Class that it gives. */
  readonly class: number;
}

/** Returns who answers a row: the first expert whose selector takes it. */
export function routeRow(experts: readonly Expert[], concepts: ArrayLike<number>, answer: number): RoutedRow {
  const expert = experts.findIndex(({ selector }) => isTaken(selector, concepts));
  const found = experts[expert];
  return { expert, class: found === undefined ? answer : leafFor(found.rules, concepts).class };
}

/** What experts do on rows. */
export interface MixtureFigures {
  readonly rowCount: number;
  /** Share of rows that an expert answers. */
  readonly coverage: number;
  /** Of these, the share that get the model's answer; NaN where there are none. */
  readonly fidelity: number;
  readonly experts: readonly {
    readonly rowCount: number;
    readonly coverage: number;
    readonly fidelity: number;
  }[];
  readonly routed: readonly RoutedRow[];
}

/** Measures coverage and fidelity, together and expert by expert. */
export function measureExperts(
  experts: readonly Expert[],
  { concepts, answers }: ConceptRows,
  rows: readonly number[],
): MixtureFigures {
  const routed = rows.map((row) => routeRow(experts, concepts[row] ?? [], answers[row] ?? -1));
  const figuresOf = (isOwn: (routed: RoutedRow) => boolean) => {
    const own = rows.filter((_, at) => isOwn(routed[at] ?? { expert: -1, class: -1 }));
    const right = rows.filter((row, at) => {
      const each = routed[at];
      return each !== undefined && isOwn(each) && each.class === answers[row];
    });
    return { rowCount: own.length, coverage: own.length / rows.length, fidelity: right.length / own.length };
  };
  return {
    ...figuresOf(({ expert }) => expert >= 0),
    rowCount: rows.length,
    experts: experts.map((_, index) => figuresOf(({ expert }) => expert === index)),
    routed,
  };
}

/**
 * Returns the experts with the thresholds and classes of their rules fitted to other rows, and their selectors as they are:
 * the concepts of a rule stay, only where it cuts them moves.
 */
export function refitExperts(
  experts: readonly Expert[],
  { concepts, answers, classCount }: ConceptRows,
  rows: readonly number[],
): readonly Expert[] {
  return experts.map((expert, index) => {
    const own = rows.filter((row) => routeRow(experts, concepts[row] ?? [], -1).expert === index);
    const data: FitRows = { features: concepts, classes: answers, classCount, rows: own };
    return { ...expert, rules: refitTree(expert.rules, data) };
  });
}
