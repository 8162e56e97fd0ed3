import { type GraphNode, type Model } from '../model.js';
import type { Candidate } from './candidates.js';
import {
  type ExporterName,
  exporterNameOf,
  type NamingStyle,
  namingStyleOf,
  scopeComponents,
} from './exporterNames.js';

import type { GraphView } from './graphView.js';

/** The name of a layer and the scopes around it. */
export interface LayerName {
  readonly name: string;
  readonly path: string;
  /** Names of the scopes around the layer, outermost first. */
  readonly scopes: readonly string[];
}

/**
 * Returns the name of every layer by the rules of the contract, decided node by node in file order.
 *
 * Activations without a name of their own are called after what feeds them. Of equal names the first keeps it, later
 * ones get `_1`, `_2`.
 */
export function nameLayers(
  model: Model,
  candidates: readonly Candidate[],
): ReadonlyMap<Candidate, LayerName> {
  const style = namingStyleOf(model);
  const own = new Map(candidates.map((candidate) => [candidate, ownName(candidate, style)]));
  const naming = new Naming(style, own, candidates);
  for (const candidate of candidates) naming.add(candidate);
  return naming.names;
}

class Naming {
  readonly names = new Map<Candidate, LayerName>();
  private readonly used = new Set<string>();
  private readonly repeats = new Map<string, number>();
  private readonly feeders = new Map<Candidate, Candidate | undefined>();
  private readonly counts = new Map<string, number>();
  private readonly byOutput = new Map<GraphView, Map<string, Candidate>>();
  private readonly scopeNames: ReadonlySet<string>;

  constructor(
    private readonly style: NamingStyle,
    private readonly own: ReadonlyMap<Candidate, ExporterName>,
    candidates: readonly Candidate[],
  ) {
    for (const candidate of candidates) {
      const inView = this.byOutput.get(candidate.view) ?? new Map<string, Candidate>();
      this.byOutput.set(candidate.view, inView.set(candidate.output, candidate));
    }
    const weighted = candidates.filter((candidate) => !isActivation(candidate));
    this.scopeNames = new Set(weighted.flatMap((candidate) => prefixesOf(own.get(candidate)?.name ?? '')));
  }

  add(candidate: Candidate): void {
    const [first] = candidate.nodes;
    const { name, scopes } = this.choose(candidate);
    const unique = this.unique(name);
    const path = first?.name !== undefined && first.name !== '' ? first.name : unique;
    this.names.set(candidate, { name: unique, path, scopes });
  }

  private choose(candidate: Candidate): { readonly name: string; readonly scopes: readonly string[] } {
    const { name } = this.own.get(candidate) ?? { name: undefined };
    if (!isActivation(candidate)) {
      const chosen = name ?? this.counted(candidate.kind);
      return { name: chosen, scopes: prefixesOf(chosen) };
    }
    const feeder = this.feederOf(candidate);
    this.feeders.set(candidate, feeder);
    const feederName = feeder === undefined ? undefined : this.names.get(feeder);
    const isOwn = name !== undefined && name !== feederName?.name && !this.scopeNames.has(name);
    if (isOwn) return { name, scopes: prefixesOf(name) };
    if (feederName !== undefined) return { name: `${feederName.name}.act`, scopes: feederName.scopes };
    const scope = commonScope(candidate, this.style).join('.');
    if (scope === '') return { name: this.counted(candidate.operator.toLowerCase()), scopes: [] };
    return { name: `${scope}.act`, scopes: [...prefixesOf(scope), scope] };
  }

  /** Returns the layer, activations apart, whose value reaches an activation without being mixed with another. */
  private feederOf(candidate: Candidate): Candidate | undefined {
    let { view, input: value } = candidate;
    const seen = new Set<string>();
    for (;;) {
      const layer = this.byOutput.get(view)?.get(value);
      // What feeds an earlier activation is known already.
      if (layer !== undefined) return this.feeders.has(layer) ? this.feeders.get(layer) : layer;
      const producer = view.index.producerOf(value);
      if (producer === undefined) {
        const outer = view.outerValue(value);
        if (outer === undefined) return undefined;
        ({ view, name: value } = outer);
        seen.clear();
        continue;
      }
      const { constants } = view;
      const [only, other] = producer.inputs.filter((input) => input !== '' && !constants.has(input));
      // A file may hold a cycle.
      if (only === undefined || other !== undefined || seen.has(value)) return undefined;
      seen.add(value);
      value = only;
    }
  }

  private counted(label: string): string {
    const count = this.counts.get(label) ?? 0;
    this.counts.set(label, count + 1);
    return `${label}_${count}`;
  }

  private unique(name: string): string {
    let unique = name;
    // Counting on from the last number keeps 10,000 layers of one name linear.
    let i = this.repeats.get(name) ?? 0;
    while (this.used.has(unique)) unique = `${name}_${++i}`;
    this.repeats.set(name, i);
    this.used.add(unique);
    return unique;
  }
}

function isActivation(candidate: Candidate): boolean {
  return candidate.kind === 'activation' || candidate.kind === 'gate';
}

function ownName(candidate: Candidate, style: NamingStyle): ExporterName {
  const [first] = candidate.nodes;
  if (first === undefined) return { name: undefined, scope: [], rule: 'none' };
  const isComposite = candidate.operator !== first.opType;
  const named = exporterNameOf(first, candidate.weight?.origin, style);
  if (!isComposite || named.rule === 'metadata' || named.rule === 'weight') return named;
  // A composite is one layer named by the scope that its nodes share.
  const scope = commonScope(candidate, style);
  if (scope.length > 0) return { name: scope.join('.'), scope, rule: 'path' };
  return { name: undefined, scope: [], rule: 'none' };
}

function commonScope(candidate: Candidate, style: NamingStyle): readonly string[] {
  const scopes = candidate.nodes.map((node: GraphNode) => scopeComponents(node, style));
  const [first = []] = scopes;
  const length = first.findIndex((component, depth) => scopes.some((scope) => scope[depth] !== component));
  return length < 0 ? first : first.slice(0, length);
}

/** Returns `a`, `a.b` for `a.b.c`: the modules around it. */
export function prefixesOf(name: string): string[] {
  const parts = name.split('.');
  return parts.slice(1).map((_, length) => parts.slice(0, length + 1).join('.'));
}
