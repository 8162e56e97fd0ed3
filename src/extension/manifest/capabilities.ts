import type { ManifestTexts } from './contributes.js';
import { idPrefix } from './contribution.js';

/** Settings that a folder nobody trusts must not bring: they say what is started, and with how much of the machine. */
const restrictedSettings = ['engineNodePath', 'provider', 'threads', 'memoryMegabytes'];

/** Returns the `capabilities` of package.json; its texts are `%key%`s of `texts`, which is filled. */
export function makeCapabilities(texts: ManifestTexts): Record<string, unknown> {
  texts['capabilities.untrustedWorkspaces.description'] =
    'In Restricted Mode the structure of models can be read; nothing is run.';
  texts['capabilities.virtualWorkspaces.description'] =
    'Models are read from disk with their weights in place: files of a virtual workspace must be copied to a local folder first.';
  return {
    untrustedWorkspaces: {
      supported: 'limited',
      description: '%capabilities.untrustedWorkspaces.description%',
      restrictedConfigurations: restrictedSettings.map((key) => idPrefix + key),
    },
    virtualWorkspaces: { supported: 'limited', description: '%capabilities.virtualWorkspaces.description%' },
  };
}
