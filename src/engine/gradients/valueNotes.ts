import type { GraphBuilder } from '../graph/graphBuilder.js';

/** What is known of how values were made, per graph: rules that meet a cotangent later can spare a pass over it. */
export class ValueNotes<Note> {
  private readonly byGraph = new WeakMap<GraphBuilder, Map<string, Note>>();

  /** Notes how a value was made, and returns its name. */
  set(builder: GraphBuilder, value: string, note: Note): string {
    const notes = this.byGraph.get(builder) ?? new Map<string, Note>();
    this.byGraph.set(builder, notes.set(value, note));
    return value;
  }

  /** Returns what was noted of a value in this graph. */
  of(builder: GraphBuilder, value: string): Note | undefined {
    return this.byGraph.get(builder)?.get(value);
  }
}
