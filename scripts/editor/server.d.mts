/** A running server of the host editor. */
export interface EditorServer {
  /** `http://127.0.0.1:port`. */
  readonly address: string;
  /** Ends it with all it started. */
  end(): Promise<void>;
  /** What it has said. */
  log(): string;
}

/** Starts a server on a free port of the loopback address; `dataDir` holds all it writes. */
export function startServer(options: {
  readonly dataDir: string;
  readonly extensionsDir?: string;
  /** Of the editor's user, over quiet ones. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Flags of the server. */
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}): Promise<EditorServer>;
