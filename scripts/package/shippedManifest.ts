import { undecidedKeys } from './packageErrors.js';

/** Keys of package.json that the editor reads. */
const shippedKeys = [
  'name',
  'displayName',
  'description',
  'version',
  'publisher',
  'license',
  'type',
  'icon',
  'galleryBanner',
  'categories',
  'keywords',
  'pricing',
  'qna',
  'engines',
  'main',
  'extensionKind',
  'capabilities',
  'activationEvents',
  'contributes',
  'l10n',
] as const;

/** Keys for those who work on the repository: what is bundled is no dependency any more, and scripts do not run there. */
const droppedKeys = ['private', 'bin', 'scripts', 'dependencies', 'devDependencies', 'overrides'];

/**
 * Returns the package.json that is shipped, from the repository's.
 *
 * @throws UserError when a key is on neither list.
 */
export function shippedManifest(manifest: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const known = new Set<string>([...shippedKeys, ...droppedKeys]);
  const undecided = Object.keys(manifest).filter((key) => !known.has(key));
  if (undecided.length > 0) throw undecidedKeys(undecided);
  const shipped: Record<string, unknown> = {};
  for (const key of shippedKeys) {
    if (key in manifest) shipped[key] = manifest[key];
  }
  return shipped;
}
