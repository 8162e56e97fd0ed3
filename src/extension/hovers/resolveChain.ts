import { formatName, type ResolvedAddress } from '../../onnx/addresses.js';
import type { AddressTable } from '../../protocol/structure.js';
import { unitChosen } from './axes.js';
import { findAddress } from './findAddress.js';
import { type NameIndex, modulesWith, nameIndexOf } from './nameIndex.js';
import { type Parameter, parameterOf } from './parameters.js';
import type { AxisIndex, ChainReference, ChainRoot, ChainStep } from './reference.js';
import type { CodeContext, Resolution } from './resolveReference.js';

/** Where a chain reaches a layer, and what of it. */
interface Reached {
  readonly targets: readonly ResolvedAddress[];
  /** First and last step that name it. */
  readonly first: number;
  readonly last: number;
  /** What the steps behind are applied to. */
  readonly of: 'module' | 'activation' | Parameter;
}

/**
 * Returns what an expression leads to in a model, where the person points at the part that says so.
 *
 * `acts["features.3"][:, 42]`, `model.features[3].weight[42]` and `self.fc1(x)[:, 42]` lead to a unit; where the index of the unit
 * is a variable or the whole axis they lead to the layer.
 */
export function resolveChain(
  chain: ChainReference,
  table: AddressTable,
  context: CodeContext,
): Resolution | undefined {
  if (chain.root.kind === 'module') return undefined;
  const reached = reachByKey(chain, table) ?? reachByPath(chain, table, context);
  if (reached === undefined) return undefined;
  const behind = indicesBehind(chain.steps, reached);
  const found = withUnit(reached, behind.groups, table);
  const start = startOf(chain.steps[reached.first]);
  const end = chain.steps[behind.last]?.end ?? start;
  return chain.offset >= start && chain.offset < end ? { ...found, start, end } : undefined;
}

/** A key counts from its bracket, a selecting method from its name. */
function startOf(step: ChainStep | undefined): number {
  return step?.start ?? 0;
}

/** The first string that names a layer, or one of its parameters: `acts["features.3"]`, `state["features.3.weight"]`. */
function reachByKey({ root, steps }: ChainReference, table: AddressTable): Reached | undefined {
  for (const [index, step] of steps.entries()) {
    if (step.kind !== 'key') continue;
    const at = { first: index, last: index };
    const isMeant = /[\d._/:[]/u.test(step.text) || keepsLayers({ root, steps: steps.slice(0, index) });
    const found = isMeant ? findAddress(step.text, table) : undefined;
    if (found !== undefined) return { targets: [found.target], ...at, of: 'activation' };
    const dot = step.text.lastIndexOf('.');
    const layer = dot < 0 ? undefined : findAddress(step.text.slice(0, dot), table)?.target;
    const parameter = layer === undefined ? undefined : parameterOf(step.text.slice(dot + 1), layer);
    if (layer !== undefined && parameter !== undefined) return { targets: [layer], ...at, of: parameter };
  }
  return undefined;
}

/** What keeps something by the names of layers, by what it is usually called. */
const keeperPattern = /act|hook|cache|out|hidden|param|state|weight|layer|module|grad|model|net/iu;

/** `batch["features"]` is no layer; plain words count where activations or parameters are kept. */
function keepsLayers({ root, steps }: Pick<ChainReference, 'root' | 'steps'>): boolean {
  const names = steps.flatMap((step) => (step.kind === 'name' ? [step.name] : []));
  if (root.kind === 'variable') names.push(root.name);
  return names.some((name) => keeperPattern.test(name));
}

/** Modules by name and number: `model.features[3]`, from wherever the model itself may stand: `self.model.fc1`. */
function reachByPath(chain: ChainReference, table: AddressTable, context: CodeContext): Reached | undefined {
  const index = nameIndexOf(table);
  const parts = chain.steps.map(partOf);
  for (let first = 0; first < parts.length; first++) {
    if (parts[first] === undefined) continue;
    const length = parts.slice(first).findIndex((part) => part === undefined);
    const path = parts.slice(first, length < 0 ? undefined : first + length).filter(isDefined);
    const place = { chain, first, path };
    const symbol = first === 0 ? targetsBySymbol(place, table, context) : undefined;
    const targets = symbol ?? targetsOf(place, table, { index, context });
    if (targets !== undefined) return reached(chain, { ...targets, first });
  }
  return undefined;
}

interface Place {
  readonly chain: ChainReference;
  readonly first: number;
  readonly path: readonly string[];
}

interface Targets {
  readonly targets: readonly ResolvedAddress[];
  /** Parts of the path that name them. */
  readonly length: number;
}

function partOf(step: ChainStep): string | undefined {
  if (step.kind === 'name') return step.name;
  if (step.kind === 'key') return step.text;
  if (step.kind !== 'indices' || step.indices.length !== 1) return undefined;
  const [only] = step.indices;
  return only?.kind === 'number' && only.value >= 0 ? String(only.value) : undefined;
}

function isDefined(part: string | undefined): part is string {
  return part !== undefined;
}

/** What the inspect file says of `Class.member`. */
function targetsBySymbol(
  { chain, path }: Place,
  table: AddressTable,
  { layerBySymbol }: CodeContext,
): Targets | undefined {
  const [member] = path;
  if (chain.root.kind !== 'self' || chain.root.enclosing === undefined || member === undefined) {
    return undefined;
  }
  const layer = layerBySymbol?.get(`${chain.root.enclosing.name}.${member}`);
  if (layer === undefined) return undefined;
  return longestTargets([layer], path.slice(1), table, 1);
}

function targetsOf(
  { chain, first, path }: Place,
  table: AddressTable,
  { index, context }: { readonly index: NameIndex; readonly context: CodeContext },
): Targets | undefined {
  const modules = first === 0 ? modulesAround(chain.root, path, { index, context }) : [''];
  const found = longestTargets(modules, path, table, 0);
  if (chain.isElement === true && found?.length !== path.length) return undefined;
  if (found === undefined || (chain.root.kind === 'self' && first === 0)) return found;
  return isTelling({ chain, first, path }, found) ? found : undefined;
}

/** Modules that the object at the start of a chain may be: one in doubt, several for a class that is used several times. */
function modulesAround(
  root: ChainRoot,
  path: readonly string[],
  { index, context }: { readonly index: NameIndex; readonly context: CodeContext },
): readonly string[] {
  const [member = ''] = path;
  if (root.kind !== 'self' || root.enclosing === undefined) return [''];
  const { name, members } = root.enclosing;
  if (name === context.className) return [''];
  if (!members.includes(member)) return [''];
  const modules = modulesWith(member, members, index);
  // The inspect file names the class of the whole model: another one is a part of it, unless nothing else fits.
  const inner = context.className === undefined ? modules : modules.filter((module) => module !== '');
  return inner.length === 0 ? modules : inner;
}

/** The longest beginning of a path that names a layer in some modules. */
function longestTargets(
  modules: readonly string[],
  path: readonly string[],
  table: AddressTable,
  named: number,
): Targets | undefined {
  const { names } = nameIndexOf(table);
  for (let length = path.length; length >= 0; length--) {
    const tail = path.slice(0, length).join('.');
    const layers = modules
      .map((module) => (module === '' || tail === '' ? module + tail : `${module}.${tail}`))
      .filter((name) => name !== '' && names.has(name));
    const targets = layers.flatMap((name) => findAddress(formatName(name), table)?.target ?? []);
    if (targets.length > 0) return { targets, length: length + named };
  }
  return undefined;
}

/** Variables that hold networks, by their usual names. */
const networkPattern = /model|net|module|encoder|decoder|backbone|student|teacher|policy|actor|critic/iu;

/**
 * `batch.features` and `out.head` are no layers, whatever a model calls its own: a plain word counts behind what is called a
 * network, or before a parameter; names with digits and paths of several parts count anywhere.
 */
function isTelling({ chain, first, path }: Place, { length }: Targets): boolean {
  if (length > 1 || /\d/u.test(path[0] ?? '')) return true;
  const { root, steps } = chain;
  if (first === 0 && root.kind === 'variable' && networkPattern.test(root.name)) return true;
  const before = steps[first - 1];
  if (before?.kind === 'name' && networkPattern.test(before.name)) return true;
  return path[length] === 'weight' || path[length] === 'bias';
}

/** Looks at the step behind the layer: a parameter of it, or a call that gives its activation. */
function reached(
  { steps }: ChainReference,
  { targets, length, first }: Targets & { readonly first: number },
): Reached {
  const last = first + length - 1;
  const next = steps[last + 1];
  const [target] = targets;
  if (next?.kind === 'call') return { targets, first, last, of: 'activation' };
  if (next?.kind === 'name' && next.name === 'output') {
    return { targets, first, last: last + 1, of: 'activation' };
  }
  const parameter =
    next?.kind === 'name' && target !== undefined ? parameterOf(next.name, target) : undefined;
  return parameter === undefined
    ? { targets, first, last, of: 'module' }
    : { targets, first, last: last + 1, of: parameter };
}

/** Attributes and methods that leave the axes as they are. */
const transparentNames: ReadonlySet<string> = new Set([
  ...[
    'data',
    'grad',
    'detach',
    'clone',
    'cpu',
    'cuda',
    'to',
    'float',
    'double',
    'half',
    'numpy',
    'contiguous',
  ],
  ...['abs', 'relu', 'sigmoid', 'tanh', 'requires_grad_', 'type', 'arraySync', 'dataSync', 'value', 'output'],
]);

/** Brackets behind the layer, past what leaves its axes alone. */
function indicesBehind(
  steps: readonly ChainStep[],
  { last, of }: Reached,
): { readonly groups: readonly (readonly AxisIndex[])[]; readonly last: number } {
  const groups: (readonly AxisIndex[])[] = [];
  let end = last;
  if (of === 'module') return { groups, last: end };
  for (let index = last + 1; index < steps.length; index++) {
    const step = steps[index];
    if (step?.kind === 'indices') {
      groups.push(step.indices);
      end = index;
    } else if (step?.kind === 'name' ? !transparentNames.has(step.name) : step?.kind !== 'call') break;
  }
  return { groups, last: end };
}

function withUnit(
  { targets, of }: Reached,
  groups: readonly (readonly AxisIndex[])[],
  table: AddressTable,
): Pick<Resolution, 'targets' | 'missingUnit'> {
  const [target] = targets;
  if (groups.length === 0 || of === 'module' || target === undefined || target.unit !== undefined) {
    return { targets };
  }
  const axis = of === 'activation' ? activationAxisOf(target) : of;
  const chosen =
    axis.axis === null ? undefined : unitChosen(groups, { ...axis, axis: axis.axis, size: target.unitCount });
  if (chosen === undefined) return { targets };
  if (chosen.kind === 'missing') return { targets, missingUnit: chosen.index };
  const units = targets.flatMap(
    ({ address }) => findAddress(`${address}[${String(chosen.unit)}]`, table)?.target ?? [],
  );
  return { targets: units.length === 0 ? targets : units };
}

/** All axes of a value: one counts samples, one units, the others positions. */
function activationAxisOf({ unitAxis, positionAxes }: ResolvedAddress): Parameter {
  const rank = positionAxes === null ? null : positionAxes.length + (unitAxis === null ? 1 : 2);
  return { rank, axis: unitAxis };
}
