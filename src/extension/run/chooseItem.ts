import * as vscode from 'vscode';
import type { Answer } from './walkSteps.js';

/** A line of a list to choose from; one without a value is a separator. */
export interface Choice<T> extends vscode.QuickPickItem {
  readonly value?: T;
}

/** A list that is open, for whoever still finds items for it. */
export interface OpenChoices<T> {
  /** Replaces the items; what is typed stays, and the active item when the person moved to it. */
  show(items: readonly Choice<T>[], options?: { readonly isComplete: boolean }): void;
  /** Aborted once the list is closed, however. */
  readonly signal: AbortSignal;
}

/** What a list says and how it is filled. */
export interface ChoiceOptions<T> {
  readonly title: string;
  readonly placeholder: string;
  readonly canGoBack: boolean;
  readonly items: readonly Choice<T>[];
  /** Finds further items while the list is open. */
  fill?(list: OpenChoices<T>): void;
}

/** Lets a person choose one of several things, with a way back. */
export async function chooseItem<T>(options: ChoiceOptions<T>): Promise<Answer<T>> {
  const picker = vscode.window.createQuickPick<Choice<T>>();
  picker.title = options.title;
  picker.placeholder = options.placeholder;
  picker.matchOnDescription = true;
  picker.matchOnDetail = true;
  picker.ignoreFocusOut = true;
  picker.buttons = options.canGoBack ? [vscode.QuickInputButtons.Back] : [];
  picker.items = options.items;
  const closed = new AbortController();
  const answer = answerOf(picker);
  picker.show();
  options.fill?.(openChoices(picker, closed.signal));
  try {
    return await answer;
  } finally {
    closed.abort();
    picker.dispose();
  }
}

function answerOf<T>(picker: vscode.QuickPick<Choice<T>>): Promise<Answer<T>> {
  return new Promise((resolve) => {
    picker.onDidAccept(() => {
      const [item] = picker.selectedItems;
      // Separators cannot be selected; an empty filter result selects nothing and leaves the list open.
      if (item?.value !== undefined) resolve({ kind: 'chosen', value: item.value });
    });
    picker.onDidTriggerButton(() => {
      resolve({ kind: 'back' });
    });
    picker.onDidHide(() => {
      resolve({ kind: 'cancelled' });
    });
  });
}

function openChoices<T>(picker: vscode.QuickPick<Choice<T>>, signal: AbortSignal): OpenChoices<T> {
  picker.busy = true;
  return {
    signal,
    show(items, { isComplete } = { isComplete: false }) {
      if (signal.aborted) return;
      const moved = movedTo(picker);
      picker.keepScrollPosition = moved !== undefined;
      picker.items = items;
      const same = items.find((item) => moved !== undefined && isSame(item, moved));
      if (same !== undefined) picker.activeItems = [same];
      picker.busy = !isComplete;
    },
  };
}

/** The item that the person moved to; undefined while the first is active, so that a better first one takes its place. */
function movedTo<T>(picker: vscode.QuickPick<Choice<T>>): Choice<T> | undefined {
  const [active] = picker.activeItems;
  const first = picker.items.find(({ value }) => value !== undefined);
  return active === first ? undefined : active;
}

function isSame<T>(a: Choice<T>, b: Choice<T>): boolean {
  return a.label === b.label && a.description === b.description;
}
