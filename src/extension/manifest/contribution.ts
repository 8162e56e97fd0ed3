// Shapes of what the extension contributes. Everything in this folder is plain data without `vscode`: `npm run manifest`
// writes package.json from it, and `npm run check` fails on a difference.

/** Where a command stands in a menu of the editor. */
export interface MenuPlace {
  /** The editor's name of the menu: `view/item/context`, `explorer/context`, `editor/title` … */
  readonly menu: string;
  readonly when?: string;
  readonly group?: string;
}

/** A command as the editor lists it. */
export interface CommandEntry {
  /** Without the prefix `neuronInspector.`. */
  readonly id: string;
  readonly title: string;
  /** A codicon: `$(play)`. */
  readonly icon?: string;
  readonly enablement?: string;
  /** When the palette lists it; default always. */
  readonly palette?: string;
  readonly menus?: readonly MenuPlace[];
  readonly keys?: { readonly key: string; readonly mac?: string; readonly when: string };
}

/** A setting of the editor. */
export interface SettingEntry {
  /** Without the prefix `neuronInspector.`. */
  readonly key: string;
  readonly type: string | readonly string[];
  readonly default: unknown;
  /** Markdown: what it does and how to choose. */
  readonly description: string;
  readonly enum?: readonly string[];
  readonly enumDescriptions?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  /** `machine`: a workspace cannot set it. */
  readonly scope: 'machine' | 'window' | 'resource' | 'machine-overridable';
  /** Further JSON schema of objects and arrays. */
  readonly schema?: Readonly<Record<string, unknown>>;
}

/** Prefix of every id: commands, settings, views, view types. */
export const idPrefix = 'neuronInspector.';

/** Category that every command is listed under. */
export const commandCategory = 'Neuron Inspector';
