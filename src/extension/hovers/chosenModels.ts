import type * as vscode from 'vscode';

const key = 'hoverModelByFile';

/** Files whose choice is remembered; the oldest choices go first. */
const maxFileCount = 200;

/** Returns the model that the person chose for a file, if any. */
export function chosenModel(memory: vscode.Memento, file: string): string | undefined {
  return memory.get<Record<string, string>>(key, {})[file];
}

/** Remembers the model that a file is about. */
export async function chooseModel(memory: vscode.Memento, file: string, modelPath: string): Promise<void> {
  const others = Object.entries(memory.get<Record<string, string>>(key, {})).filter(
    ([path]) => path !== file,
  );
  const kept = others.slice(1 - maxFileCount);
  await memory.update(key, { ...Object.fromEntries(kept), [file]: modelPath });
}
