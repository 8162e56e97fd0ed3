/** What a person did when they were asked: chose, went back, or left. */
export type Answer<T> =
  { readonly kind: 'chosen'; readonly value: T } | { readonly kind: 'back' } | { readonly kind: 'cancelled' };

/** One question on the way to a run. */
export interface Step<State> {
  /** Fills in what is known without asking. */
  settle?(state: State): Promise<State>;
  /** Whether it must be asked: false when the answer is known already. */
  isNeeded(state: State): boolean;
  /** Asks, and answers with the state that follows. */
  ask(state: State, canGoBack: boolean): Promise<Answer<State>>;
}

/**
 * Asks the steps that are needed, one after another, and returns the last state; undefined when the person left.
 *
 * Going back returns to the step that was asked before, with the state it was asked in.
 */
export async function walkSteps<State>(
  steps: readonly Step<State>[],
  start: State,
): Promise<State | undefined> {
  const asked: { readonly index: number; readonly before: State }[] = [];
  let state = start;
  let index = 0;
  for (let step = steps[index]; step !== undefined; step = steps[index]) {
    state = (await step.settle?.(state)) ?? state;
    if (!step.isNeeded(state)) {
      index++;
      continue;
    }
    const answer = await step.ask(state, asked.length > 0);
    if (answer.kind === 'cancelled') return undefined;
    if (answer.kind === 'chosen') {
      asked.push({ index, before: state });
      state = answer.value;
      index++;
      continue;
    }
    const last = asked.pop();
    if (last === undefined) return undefined;
    state = last.before;
    index = last.index;
  }
  return state;
}
