import { unitStates } from '../../analyses/shared/states.js';
import { messageOf } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import { holdsImages } from '../../protocol/dataKinds.js';
import type { StoredResult } from '../results/storedResult.js';
import { type LayerArrays, readHealthArrays } from './readHealthArrays.js';
import type { LayerFacts, UnitFacts } from './unitIndex.js';

/** What facts are read from. */
export interface HealthSources {
  /** Every stored result, newest first. */
  results(): readonly StoredResult[];
  /** Folder of a result's arrays. */
  arraysDir(resultId: string): string;
  isStale(result: StoredResult): Promise<boolean | undefined>;
  /** Returns the activation layer that judges a layer's units; undefined when there is none or the model is not yet read. */
  activationOf(modelPath: string, layer: string): string | undefined;
  /** Called when `layer` may answer otherwise than before. */
  changed(): void;
  readonly log: Logger;
}

/** Analyses that leave states and counts of units. */
const healthAnalyses: ReadonlySet<string> = new Set(['dead-neurons', 'activation-sparsity']);

/** All models together: 64 MB are the vectors of 1.6 million units. */
const defaultBudgetBytes = 64 * 2 ** 20;

/** Results that are tried when newer ones are damaged. */
const triedResultCount = 3;

interface Loaded {
  /** Newest result when this was loaded: another one now means that it must be read again. */
  readonly newestId: string | undefined;
  /** The result that could be read. */
  readonly result: StoredResult | undefined;
  readonly layers: ReadonlyMap<string, LayerFacts>;
  readonly sizeBytes: number;
  readonly staleness: { isStale: boolean };
}

/**
 * Facts of neurons from the newest health result of each model: loaded on request, then looked up without waiting.
 *
 * A result that cannot be read is logged and the one before it is taken; facts of models that were asked for longest ago
 * are dropped when they outgrow the budget.
 */
export class HealthFacts {
  private readonly sources: HealthSources;
  private readonly budgetBytes: number;
  /** Least recently asked for first. */
  private readonly loaded = new Map<string, Loaded>();
  private readonly loading = new Map<string, Promise<void>>();

  constructor(sources: HealthSources, budgetBytes = defaultBudgetBytes) {
    this.sources = sources;
    this.budgetBytes = budgetBytes;
  }

  /** Returns what is known of a layer's units: its own, or those of the activation that judges it. */
  layer(modelPath: string, layer: string): LayerFacts | undefined {
    const known = this.loaded.get(modelPath);
    if (known === undefined) return undefined;
    const own = known.layers.get(layer);
    if (own !== undefined) return own;
    const activation = this.sources.activationOf(modelPath, layer);
    return activation === undefined ? undefined : known.layers.get(activation);
  }

  /** Reads what the newest result says of a model, unless that is known already; never rejects. */
  async load(modelPath: string): Promise<void> {
    const known = this.loaded.get(modelPath);
    if (known !== undefined && known.newestId === this.newest(modelPath)?.id) {
      this.touch(modelPath, known);
      // Not waited for: hovers load on every move of the pointer, and asking the disk takes longer than all the rest.
      void this.checkStaleness(known);
      return;
    }
    const pending = this.loading.get(modelPath);
    if (pending !== undefined) {
      await pending;
      return;
    }
    const started = this.read(modelPath).finally(() => this.loading.delete(modelPath));
    this.loading.set(modelPath, started);
    await started;
  }

  /** Reads again what was loaded from results that are no longer the newest; to be called when results change. */
  async resultsChanged(): Promise<void> {
    const outdated = [...this.loaded].filter(([path, { newestId }]) => newestId !== this.newest(path)?.id);
    await Promise.all(outdated.map(([path]) => this.load(path)));
  }

  /** Asks again whether models changed since they were measured; to be called when model files change. */
  async modelsChanged(): Promise<void> {
    await Promise.all([...this.loaded.values()].map((known) => this.checkStaleness(known)));
  }

  private newest(modelPath: string): StoredResult | undefined {
    return this.candidates(modelPath)[0];
  }

  private candidates(modelPath: string): readonly StoredResult[] {
    return this.sources
      .results()
      .filter(
        (result) =>
          result.modelPath === modelPath &&
          healthAnalyses.has(result.analysis) &&
          (result.status === 'complete' || result.status === 'partial'),
      );
  }

  private async read(modelPath: string): Promise<void> {
    let newestId: string | undefined;
    let loaded: Loaded;
    // A run may end while the files of the one before are read.
    do {
      newestId = this.newest(modelPath)?.id;
      loaded = await this.firstReadable(modelPath, newestId);
    } while (newestId !== this.newest(modelPath)?.id);
    this.touch(modelPath, loaded);
    this.evict(modelPath);
    this.sources.changed();
  }

  private async firstReadable(modelPath: string, newestId: string | undefined): Promise<Loaded> {
    for (const result of this.candidates(modelPath).slice(0, triedResultCount)) {
      try {
        const arrays = await readHealthArrays(this.sources.arraysDir(result.id), {
          budgetBytes: this.budgetBytes,
          log: this.sources.log,
        });
        if (arrays.size === 0) continue;
        const staleness = { isStale: (await this.sources.isStale(result)) ?? false };
        const layers = new Map(
          [...arrays].map(([name, one]) => [name, factsOf(one, result, staleness)] as const),
        );
        const sizeBytes = [...arrays.values()].reduce((total, one) => total + one.sizeBytes, 0);
        return { newestId, result, layers, sizeBytes, staleness };
      } catch (error) {
        this.sources.log.warn(`The result ${result.id} tells nothing of neurons: ${messageOf(error)}`);
      }
    }
    return { newestId, result: undefined, layers: new Map(), sizeBytes: 0, staleness: { isStale: false } };
  }

  private async checkStaleness({ result, staleness }: Loaded): Promise<void> {
    if (result === undefined) return;
    try {
      const isStale = (await this.sources.isStale(result)) ?? false;
      if (isStale === staleness.isStale) return;
      staleness.isStale = isStale;
      this.sources.changed();
    } catch (error) {
      this.sources.log.warn(`Whether ${result.modelPath} changed is not known: ${messageOf(error)}`);
    }
  }

  private touch(modelPath: string, loaded: Loaded): void {
    this.loaded.delete(modelPath);
    this.loaded.set(modelPath, loaded);
  }

  private evict(keptPath: string): void {
    let total = [...this.loaded.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const [path, { sizeBytes }] of this.loaded) {
      if (total <= this.budgetBytes) return;
      if (path === keptPath) continue;
      this.loaded.delete(path);
      total -= sizeBytes;
    }
  }
}

function factsOf(
  arrays: LayerArrays,
  result: StoredResult,
  staleness: { readonly isStale: boolean },
): LayerFacts {
  const stateCounts: Record<string, number> = {};
  for (const code of arrays.state) {
    const state = stateOf(code);
    stateCounts[state] = (stateCounts[state] ?? 0) + 1;
  }
  return {
    unitCount: arrays.unitCount,
    stateCounts,
    resultId: result.id,
    createdAt: result.createdAt,
    dataPath: result.dataPath,
    sampleCount: ranCountOf(result),
    areImages: holdsImages(result.dataKind ?? ''),
    get isStale() {
      return staleness.isStale;
    },
    unit: (index) => unitFactsOf(arrays, result, index),
  };
}

function unitFactsOf(arrays: LayerArrays, result: StoredResult, index: number): UnitFacts | undefined {
  if (!Number.isInteger(index) || index < 0 || index >= arrays.unitCount) return undefined;
  const histogram = rowOf(arrays.histogram, index);
  return {
    state: stateOf(arrays.state[index]),
    sampleCount: ranCountOf(result),
    activeSampleCount: arrays.activeSampleCount[index] ?? 0,
    activeFraction: arrays.activeFraction[index] ?? NaN,
    maximum: arrays.maximum[index] ?? NaN,
    mean: arrays.mean[index] ?? NaN,
    ...(histogram === undefined ? {} : { histogram }),
    topSamples: rowOf(arrays.topExamples, index)?.filter((sample) => sample >= 0) ?? [],
  };
}

/** A result names all samples of its data; those that ran may be fewer. */
function ranCountOf({ sampleCount, request }: StoredResult): number {
  return Math.min(sampleCount, request.limit ?? Infinity);
}

/** A code of a newer version stands for a state this one does not know. */
function stateOf(code: number | undefined): string {
  return unitStates[code ?? -1] ?? 'not-judged';
}

function rowOf(rows: LayerArrays['histogram'], index: number): readonly number[] | undefined {
  if (rows === undefined) return undefined;
  return Array.from(rows.numbers.subarray(index * rows.rowLength, (index + 1) * rows.rowLength));
}
