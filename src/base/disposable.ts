/** Something that holds on to what must be let go: listeners, processes, files. */
export interface Disposable {
  dispose(): void;
}
