/** A sample model: how it comes to be. */
export interface Sample {
  readonly name: string;
  /** Trains or converts the model, writes its files into the folder, and returns what its manifest says. */
  make(context: SampleContext): Promise<SampleFacts>;
}

/** What making a sample may use. */
export interface SampleContext {
  /** The sample's own folder. */
  readonly dir: string;
  readonly log: (line: string) => void;
}

/** What a manifest says beside the name and the files' hashes. */
export interface SampleFacts {
  readonly description: string;
  /** How to make it again. */
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly data: Readonly<Record<string, string>>;
  readonly metric: { readonly name: string; readonly value: number; readonly on: string };
  /** More that is known of it. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** Files of the sample, relative to its folder, that the hashes are of. */
  readonly files: readonly string[];
}
