import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { binaryTarget } from './binaryTarget.js';
import { straysIn } from './packageErrors.js';
import { type Target, targets } from './targets.js';

/** What nobody needs at run time, by how its path looks. */
const neverShipped: readonly (readonly [RegExp, string])[] = [
  [/\.map$/, 'source map'],
  [/\.([cm]?ts|tsx|tsbuildinfo)$/, 'TypeScript'],
  [/\.(c|cc|cpp|h|hpp|gyp|gypi|mm)$/, 'source of native code'],
  [/(^|\/)(tests?|__tests__|fixtures?|bench|examples?)\//, 'test or example'],
  [/\.(test|spec)\.[cm]?js$/, 'test'],
  [/(^|\/)(scripts?|install)\//, 'script that only an installation runs'],
  [/\.(onnx|npz|npy|tgz|vsix)$/, 'model, data or archive'],
  [/(^|\/)(\.git|\.cache|\.github)\//, 'folder of a tool'],
  [/(^|\/)(package-lock\.json|\.npmrc|tsconfig[^/]*\.json)$/, 'file of a tool'],
];

const libraries = /\.(node|dll|dylib)$|\.so(\.\d+)*$/;

/**
 * Checks that an extension laid out for a platform holds nothing else.
 *
 * @throws UserError that lists every stray file with what it is.
 */
export function checkStaged(dir: string, target: Target): void {
  const strays = pathsUnder(dir).flatMap((path) => {
    const reason = whyStray(path, dir, target);
    return reason === undefined ? [] : [`${path}: ${reason}`];
  });
  if (strays.length > 0) throw straysIn(target.name, strays);
}

/** Returns what a file that should not be there is, or undefined for a good one. */
function whyStray(path: string, dir: string, target: Target): string | undefined {
  const never = neverShipped.find(([pattern]) => pattern.test(path));
  if (never !== undefined) return never[1];
  const other = targets.find(
    ({ name, platform, arch }) =>
      name !== target.name && (path.includes(name) || path.includes(`/${platform}/${arch}/`)),
  );
  if (other !== undefined) return `for ${other.name}`;
  if (!libraries.test(path)) return undefined;
  const compiledFor = binaryTarget(readFileSync(join(dir, path)));
  return compiledFor === target.name ? undefined : `compiled for ${compiledFor ?? 'no platform'}`;
}

function pathsUnder(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((file) => !file.isDirectory())
    .map((file) =>
      join(file.parentPath, file.name)
        .slice(dir.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort();
}
