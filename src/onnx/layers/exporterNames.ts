import type { GraphNode, Model } from '../model.js';

/** What the exporter calls a node: its components, and whether it said so itself. */
export interface ExporterName {
  /** The name by the rules of the contract; undefined where no rule but counting applies. */
  readonly name: string | undefined;
  /** Scope components around the node, outermost first. */
  readonly scope: readonly string[];
  /** Which rule gave the name. */
  readonly rule: 'metadata' | 'weight' | 'path' | 'node' | 'none';
}

const weightEndings = ['.weight', '.kernel', '/kernel:0', '/MatMul/ReadVariableOp:0'];

/** First components that some exporters put before every name and that say nothing. */
const emptyComponent = /^(model_\d+|StatefulPartitionedCall|jax2tf.*|pjit.*)$/;

/** How names of a model are read: what its exporter put before all of them. */
export interface NamingStyle {
  /** First components that are dropped. */
  readonly dropped: readonly string[];
}

/** Returns the components that every named node of a model begins with and that say nothing. */
export function namingStyleOf(model: Model): NamingStyle {
  const names = model.graph.nodes.map((node) => node.name).filter((name) => name.includes('/'));
  const dropped: string[] = [];
  for (;;) {
    const [first] = componentsOf(names[0] ?? '').slice(dropped.length);
    if (first === undefined || !emptyComponent.test(first)) break;
    const isShared = names.every((name) => componentsOf(name)[dropped.length] === first);
    if (!isShared) break;
    dropped.push(first);
  }
  return { dropped };
}

/** Returns the exporter's name for a node, with the name of its weight if it has one. */
export function exporterNameOf(
  node: GraphNode,
  weightName: string | undefined,
  style: NamingStyle,
): ExporterName {
  const scopeOfPath = scopeComponents(node, style);
  const module = metadataScopes(node)?.at(-1);
  if (module !== undefined) return { name: module, scope: scopeOfPath, rule: 'metadata' };
  const stem = weightName === undefined ? undefined : weightStem(weightName, style);
  if (stem !== undefined) return { name: stem, scope: scopeOfPath, rule: 'weight' };
  if (scopeOfPath.length > 0) return { name: scopeOfPath.join('.'), scope: scopeOfPath, rule: 'path' };
  const isPlain = node.name !== '' && !node.name.includes('/');
  return { name: isPlain ? node.name : undefined, scope: [], rule: isPlain ? 'node' : 'none' };
}

/**
 * Returns the scope around a node: its innermost module by the metadata, or its name's components without the last,
 * repeated prefixes dropped.
 */
export function scopeComponents(node: GraphNode, style: NamingStyle): string[] {
  const modules = metadataScopes(node);
  if (modules !== undefined) return modules.at(-1)?.split('.') ?? [];
  const components = withoutDropped(componentsOf(node.name), style);
  return components.length < 2 ? [] : withoutRepeats(components.slice(0, -1));
}

/** Returns the exporter's own path of every scope that node names spell out: `features.3` → `/features/features.3`. */
export function scopePathsOf(nodes: Iterable<GraphNode>, style: NamingStyle): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const { name } of nodes) {
    for (let end = name.indexOf('/', 1); end > 0; end = name.indexOf('/', end + 1)) {
      const path = name.slice(0, end);
      const scope = withoutRepeats(withoutDropped(componentsOf(path), style)).join('.');
      if (scope !== '' && !paths.has(scope)) paths.set(scope, path);
    }
  }
  return paths;
}

function componentsOf(name: string): string[] {
  return name.split('/').filter((component) => component !== '');
}

function withoutDropped(components: string[], { dropped }: NamingStyle): string[] {
  const isDropped = dropped.every((component, position) => components[position] === component);
  return isDropped ? components.slice(dropped.length) : components;
}

/** `features`, `features.3` says `features` twice: a component goes when the next begins with it and a dot. */
function withoutRepeats(components: readonly string[]): string[] {
  return components.filter((component, position) => !components[position + 1]?.startsWith(`${component}.`));
}

function weightStem(weightName: string, style: NamingStyle): string | undefined {
  const ending = weightEndings.find((candidate) => weightName.endsWith(candidate));
  if (ending === undefined) return undefined;
  const stem = weightName.slice(0, -ending.length);
  const components = withoutDropped(componentsOf(stem), style);
  return components.length === 0 ? undefined : withoutRepeats(components).join('.');
}

/**
 * Returns the module scopes that PyTorch's dynamo exporter wrote, outermost first, without the operator itself; none
 * for a node outside all modules, undefined where nothing was written.
 */
function metadataScopes(node: GraphNode): string[] | undefined {
  const scopes = node.metadata.get('pkg.torch.onnx.name_scopes');
  if (scopes !== undefined) {
    const names = [...scopes.matchAll(/'([^']*)'|"([^"]*)"/g)].map((match) => match[1] ?? match[2] ?? '');
    return names.slice(0, -1).filter((name) => name !== '');
  }
  const namespace = node.metadata.get('namespace') ?? node.metadata.get('pkg.torch.onnx.namespace');
  if (namespace === undefined) return undefined;
  return namespace
    .split('/')
    .slice(0, -1)
    .map((part) => part.split(':')[0]?.trim() ?? '')
    .filter((name) => name !== '');
}
