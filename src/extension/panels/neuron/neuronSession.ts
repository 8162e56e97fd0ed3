import { basename } from 'node:path';
import { messageOf, UserError } from '../../../base/errors.js';
import { resolveAddress, withUnit } from '../../../onnx/addresses.js';
import { looksLikeLanguageModel } from '../../../protocol/languageModels.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { FileStamp, ModelStructure } from '../../../protocol/structure.js';
import type { SampleCard, UnitLinks, UnitWeights } from '../../../protocol/units.js';
import type {
  KnownFacts,
  LinksState,
  NeuronProblem,
  NeuronShow,
  NeuronTrail,
  WeightsState,
} from '../../../protocol/views/neuronMessages.js';
import type { LayerFacts } from '../../units/unitIndex.js';
import { LatestTask } from './latestTask.js';
import type { MeasuredNeuron } from './neuronMeasurer.js';
import { type FoundAddress, findNeuron, type Neuron } from './neuronPlace.js';
import { type Reached, VisitTrail } from './neuronTrail.js';

/** What a session needs from its surroundings. */
export interface SessionHost {
  /** The model's URI as text, and its file name. */
  readonly model: string;
  readonly modelName: string;
  structure(): Promise<ModelStructure>;
  /** Reads the weights that lead into a neuron; rejects with a UserError that says why there are none. */
  weights(address: string): Promise<UnitWeights>;
  /** Reads where a neuron leads and which are like it; rejects with a UserError that says why that is not known. */
  links(address: string): Promise<UnitLinks>;
  /** What runs measured of a neuron's part. */
  readonly role: { visit(address: string | undefined): void };
  /** The tokens that a neuron of a language model makes likelier. */
  readonly tokens: { visit(address: string | undefined): void; forget(): void };
  /** What is known of a layer's units, without waiting. */
  layerFacts(layer: string): LayerFacts | undefined;
  loadFacts(): Promise<void>;
  samples(resultId: string, indices: readonly number[]): readonly (SampleCard | undefined)[];
  /** What a state means, in a sentence. */
  meaningOf(state: string): string;
  readonly measurer: {
    visit(neuron: MeasuredNeuron | undefined): Promise<void>;
    refresh(): Promise<void>;
  };
  show(message: NeuronShow): void;
  /** The page is now about this address. */
  setTitle(address: string): void;
  openLayer(layer: string): void;
}

/** What is read of a neuron's weights. */
interface ReadWeights {
  readonly weights: WeightsState;
  readonly links: LinksState;
}

/** Weights that are kept, to go back and forth between neighbours. */
const keptWeights = 50;

/** One model's neuron page: where it is, where it was, and what is known of the neuron in sight. */
export class NeuronSession {
  private readonly host: SessionHost;
  private readonly visits: VisitTrail;
  private readonly weightsTask = new LatestTask();
  private readonly weights = new Map<string, ReadWeights>();
  /** The last message of each kind: a page that was hidden starts empty and is shown all again. */
  private readonly shown = new Map<NeuronShow['kind'], NeuronShow>();
  private neuron: Neuron | undefined;
  private structure: ModelStructure | undefined;
  private visitCount = 0;

  constructor(host: SessionHost, trail?: NeuronTrail) {
    this.host = host;
    this.visits = new VisitTrail(trail);
  }

  /** Shows everything again to a page that has just loaded. */
  ready(): void {
    for (const message of this.shown.values()) this.host.show(message);
  }

  /** Sends on what the measurer shows, and keeps it for pages that load later. */
  show(message: NeuronShow): void {
    this.shown.set(message.kind, message);
    this.host.show(message);
  }

  /** Opens an address: a neuron's page, or the layer's place in the model's editor; resolves when its place is shown. */
  async open(address: string): Promise<void> {
    await this.goTo(address, 'jump');
  }

  /** Opens the address that a reloaded page was at. */
  async reopen(): Promise<void> {
    const { current } = this.visits;
    if (current !== undefined) await this.visit(current);
  }

  /** Goes to the next or the previous unit; stays at the ends. */
  step(by: 1 | -1): void {
    const { place } = this.neuron ?? {};
    const address = by === 1 ? place?.next : place?.previous;
    if (this.structure === undefined || address === undefined || address === null) return;
    // Without waiting, or a key held down would lose steps.
    this.visitCount++;
    this.settle(findNeuron(address, this.host.modelName, this.structure.addresses), address, 'step');
  }

  /** Goes back or forward through the visited neurons. */
  async travel(by: 1 | -1): Promise<void> {
    const address = this.visits.travel(by);
    if (address !== undefined) await this.visit(address);
  }

  /**
   * Goes to a unit number of the same layer or to any address, and returns where that led.
   *
   * @throws UserError the reason when it leads nowhere: the page stays where it is.
   */
  async goToText(text: string): Promise<{ readonly address: string }> {
    const { place } = this.neuron ?? {};
    const trimmed = text.trim();
    const isNumber = /^\d{1,9}$/u.test(trimmed);
    const address = isNumber && place !== undefined ? withUnit(place.address, Number(trimmed)) : trimmed;
    const { addresses } = await this.host.structure();
    const resolved = resolveAddress(address, addresses);
    await this.goTo(resolved.address, 'jump');
    return { address: resolved.address };
  }

  /** The model, its data, trust or results may have changed. */
  async refresh(): Promise<void> {
    if (this.shown.size === 0) return;
    const structure = await this.host.structure().catch(() => undefined);
    const { current } = this.visits;
    if (structure !== this.structure && current !== undefined) {
      this.weights.clear();
      this.host.tokens.forget();
      await this.visit(current);
      return;
    }
    this.showFacts();
    this.host.role.visit(this.neuron?.place.address);
    this.host.tokens.visit(this.mainAddress);
    await this.host.measurer.refresh();
  }

  /** The model's file as it was read last; of size 0 while it cannot be read. */
  get modelStamp(): FileStamp {
    return this.structure?.stamp ?? { sizeBytes: 0, modifiedMs: 0 };
  }

  /** Whether the model looks like one that writes text. */
  get isOfLanguageModel(): boolean {
    return this.structure !== undefined && looksLikeLanguageModel(this.structure.inspection);
  }

  /** Layer of the neuron in sight, for the model's editor. */
  get layer(): string | undefined {
    return this.neuron?.layer ?? this.neuron?.place.layer;
  }

  /** The neuron in sight, where its value can be followed. */
  private get mainAddress(): string | undefined {
    return this.neuron?.isInBody === false ? this.neuron.place.address : undefined;
  }

  private async goTo(address: string, reached: Reached): Promise<void> {
    const visit = ++this.visitCount;
    const found = await this.find(address);
    if (visit === this.visitCount) this.settle(found, address, reached);
  }

  private settle(found: FoundAddress, address: string, reached: Reached): void {
    if (found.kind === 'layer') {
      this.host.openLayer(found.layer);
      return;
    }
    this.visits.visit(found.kind === 'neuron' ? found.neuron.place.address : address, reached);
    this.arrive(found);
  }

  /** Shows an address that the trail is at already. */
  private async visit(address: string): Promise<void> {
    const visit = ++this.visitCount;
    const found = await this.find(address);
    if (visit === this.visitCount && found.kind !== 'layer') this.arrive(found);
  }

  private async find(address: string): Promise<FoundAddress> {
    const { modelName } = this.host;
    try {
      this.structure = await this.host.structure();
      return findNeuron(address, modelName, this.structure.addresses);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.structure = undefined;
      const problem: NeuronProblem = {
        address,
        modelName,
        kind: 'model',
        message: error.message,
        suggestions: [],
      };
      return { kind: 'problem', problem };
    }
  }

  private arrive(found: Exclude<FoundAddress, { readonly kind: 'layer' }>): void {
    const { host } = this;
    const { model } = host;
    const { trail } = this.visits;
    this.shown.clear();
    this.weightsTask.clear();
    if (found.kind === 'problem') {
      this.neuron = undefined;
      host.setTitle(found.problem.address);
      this.show({ kind: 'problem', problem: found.problem, model, trail });
      void host.measurer.visit(undefined);
      host.role.visit(undefined);
      host.tokens.visit(undefined);
      return;
    }
    const { neuron } = found;
    const { address } = neuron.place;
    this.neuron = neuron;
    host.setTitle(address);
    this.show({ kind: 'place', place: neuron.place, model, trail });
    this.showFacts();
    void host.loadFacts().then(() => {
      if (this.neuron === neuron) this.showFacts();
    });
    this.readWeights(address);
    host.role.visit(address);
    host.tokens.visit(this.mainAddress);
    void host.measurer.visit({ address, isInBody: neuron.isInBody });
  }

  private showFacts(): void {
    if (this.neuron !== undefined) this.show({ kind: 'facts', facts: this.factsOf(this.neuron) });
  }

  private factsOf({ place, statesLayer }: Neuron): KnownFacts | null {
    const layer = statesLayer === undefined ? undefined : this.host.layerFacts(statesLayer);
    const unit = layer?.unit(place.unit);
    if (layer === undefined || unit === undefined || place.states.kind !== 'activation') return null;
    const { state, sampleCount, activeSampleCount, activeFraction, maximum, mean, histogram } = unit;
    const cards = this.host.samples(layer.resultId, unit.topSamples);
    return {
      address: place.states.address,
      state,
      stateMeaning: this.host.meaningOf(state),
      sampleCount,
      activeSampleCount,
      activeFraction: toReportNumber(activeFraction),
      maximum: toReportNumber(maximum),
      mean: toReportNumber(mean),
      ...(histogram === undefined ? {} : { histogram }),
      examples: cards.flatMap((card) => card ?? []),
      resultId: layer.resultId,
      createdAt: layer.createdAt,
      dataName: layer.dataPath === undefined ? null : basename(layer.dataPath),
      areImages: layer.areImages,
      isStale: layer.isStale,
    };
  }

  private readWeights(address: string): void {
    const kept = this.weights.get(address);
    this.show({ kind: 'weights', state: kept?.weights ?? { kind: 'reading' } });
    this.show({ kind: 'links', state: kept?.links ?? { kind: 'reading' } });
    if (kept !== undefined) return;
    this.weightsTask.run(async () => {
      const { structure } = this;
      const isCurrent = (): boolean => structure === this.structure && this.neuron?.place.address === address;
      const weights = await this.weightsOf(address);
      if (isCurrent()) this.show({ kind: 'weights', state: weights });
      const links = await this.linksOf(address);
      if (structure !== this.structure) return;
      this.keepWeights(address, { weights, links });
      if (isCurrent()) this.show({ kind: 'links', state: links });
    });
  }

  private async weightsOf(address: string): Promise<WeightsState> {
    try {
      return { kind: 'read', weights: await this.host.weights(address) };
    } catch (error) {
      return { kind: 'none', reason: messageOf(error) };
    }
  }

  private async linksOf(address: string): Promise<LinksState> {
    try {
      return { kind: 'read', links: await this.host.links(address) };
    } catch (error) {
      return { kind: 'none', reason: messageOf(error) };
    }
  }

  /** What failed is asked for again. */
  private keepWeights(address: string, read: ReadWeights): void {
    if (read.weights.kind !== 'read') return;
    this.weights.set(address, read);
    const [oldest] = this.weights.keys();
    if (this.weights.size > keptWeights && oldest !== undefined) this.weights.delete(oldest);
  }
}
