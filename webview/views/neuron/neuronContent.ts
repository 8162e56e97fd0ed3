import type {
  KnownFacts,
  LinksState,
  MeasurementState,
  NeuronPlace,
  NeuronProblem,
  NeuronShow,
  NeuronTrail,
  RoleState,
  ShownProfile,
  TokensState,
  WeightsState,
} from '../../../src/protocol/views/neuronMessages.js';

/** Everything that the page shows. */
export interface NeuronContent {
  /** The model's URI. */
  readonly model: string;
  readonly trail: NeuronTrail;
  readonly place?: NeuronPlace;
  readonly problem?: NeuronProblem;
  readonly facts: KnownFacts | null;
  readonly shown: ShownProfile | null;
  readonly measurement: MeasurementState;
  readonly weights: WeightsState;
  readonly links: LinksState;
  readonly tokens: TokensState;
  /** Undefined until it is known whether anything was measured. */
  readonly role: RoleState | undefined;
  /** When the measurement under way was first heard of; 0 while none is. */
  readonly startedMs: number;
}

/** Returns the page after another message; a new place starts it anew. Undefined before the first place. */
export function applyShow(
  content: NeuronContent | undefined,
  show: NeuronShow,
  nowMs: number,
): NeuronContent | undefined {
  switch (show.kind) {
    case 'place':
      return { ...emptyContent(show), place: show.place };
    case 'problem':
      return { ...emptyContent(show), problem: show.problem };
    case 'facts':
      return content && { ...content, facts: show.facts };
    case 'profile':
      return content && { ...content, shown: show.shown };
    case 'weights':
      return content && { ...content, weights: show.state };
    case 'links':
      return content && { ...content, links: show.state };
    case 'tokens':
      return content && { ...content, tokens: show.state };
    case 'role':
      return content && { ...content, role: show.state };
    case 'measurement': {
      const isRunning = show.state.kind === 'measuring';
      const startedMs = isRunning ? content?.startedMs || nowMs : 0;
      return content && { ...content, measurement: show.state, startedMs };
    }
  }
}

function emptyContent({
  model,
  trail,
}: {
  readonly model: string;
  readonly trail: NeuronTrail;
}): NeuronContent {
  return {
    model,
    trail,
    facts: null,
    shown: null,
    measurement: { kind: 'looking' },
    weights: { kind: 'reading' },
    links: { kind: 'reading' },
    tokens: { kind: 'none' },
    role: undefined,
    startedMs: 0,
  };
}

/** Tells whether the page still waits for what takes a moment, so that it keeps its height. */
export function isSettling({ place, measurement, weights }: NeuronContent): boolean {
  return place !== undefined && (measurement.kind === 'looking' || weights.kind === 'reading');
}
