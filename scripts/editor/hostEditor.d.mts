/** Where the parts of the host editor are, once it is installed. */
export const hostEditor: { readonly node: string; readonly server: string };

/** What stands in the way of the host editor on this machine, or undefined. */
export function hostEditorObstacle(): string | undefined;

/** Installs the host editor when it does not belong to the present lock file. Throws an Error that a person can act on. */
export function ensureHostEditor(): { readonly installed: boolean; readonly installMs: number };
