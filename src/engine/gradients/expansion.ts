import type { Emitter } from './emitter.js';
import { ValueNotes } from './valueNotes.js';

const compacts = new ValueNotes<string>();

/** Appends a value broadcast to the run-time shape of another, and notes what it was. */
export function emitExpansion(emit: Emitter, compact: string, like: string): string {
  return compacts.set(emit.builder, emit.expandLike(compact, like), compact);
}

/** Returns what a value was before `emitExpansion`, or itself: enough where it meets an operand of the whole shape. */
export function compactOf(emit: Emitter, value: string): string {
  return compacts.of(emit.builder, value) ?? value;
}
