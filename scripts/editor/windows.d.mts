/** Copies the sample models into a folder and returns it: tests may write beside them. */
export function copySamples(folder: string): string;

/** Puts unpacked extensions where a new server takes them for installed: as its users have them, without a package. */
export function installUnpacked(extensionsDir: string, sources: readonly string[]): void;
