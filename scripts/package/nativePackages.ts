import type { Target } from './targets.js';

/** An npm package that is shipped as it is, because native code cannot be bundled. */
export interface NativePackage {
  readonly name: string;
  /** Paths within the package that are shipped; everything else stays out. */
  readonly files: readonly RegExp[];
  /** The package has builds of several platforms: which paths of those are another target's, or not needed. */
  readonly isForOther?: (path: string, target: Target) => boolean;
  /** Folder of `scripts/package/licences` with texts that its makers publish elsewhere. */
  readonly licences?: string;
}

/**
 * Returns the packages that stay outside the bundles, with exactly the files that run: no types, maps, sources, tests or
 * install scripts, and one platform's binaries.
 */
export function nativePackagesOf(target: Target): readonly NativePackage[] {
  return [onnxruntimeNode, ...pureCompanions, ...sharpBinariesOf(target)];
}

const binaries = /^bin\/napi-v\d+\/[^/]+\/[^/]+\/[^/]+$/;

const onnxruntimeNode: NativePackage = {
  name: 'onnxruntime-node',
  licences: 'onnxruntime-node',
  files: [/^package\.json$/, /^dist\/\w+\.js$/, binaries],
  isForOther: (path, { platform, arch }) =>
    binaries.test(path) &&
    (!path.includes(`/${platform}/${arch}/`) ||
      // The same 45 MB twice on macOS: the binding loads the one named after the major version only.
      /\/libonnxruntime\.\d+\.\d+\.\d+\.dylib$/.test(path)),
};

/** JavaScript that the native packages load; the same on every platform. */
const pureCompanions: readonly NativePackage[] = [
  { name: 'onnxruntime-common', files: [/^package\.json$/, /^dist\/cjs\/([\w-]+\.js|package\.json)$/] },
  { name: 'sharp', files: [/^package\.json$/, /^LICENSE$/, /^dist\/\w+\.mjs$/] },
  { name: '@img/colour', files: [/^package\.json$/, /^LICENSE\.md$/, /^\w+\.cjs$/] },
  { name: 'detect-libc', files: [/^package\.json$/, /^LICENSE$/, /^lib\/[\w-]+\.js$/] },
  {
    name: 'semver',
    files: [
      /^package\.json$/,
      /^LICENSE$/,
      /^index\.js$/,
      /^(classes|functions|internal|ranges)\/[\w-]+\.js$/,
    ],
  },
];

/** Windows builds hold their libvips; the others have it in a package beside. The README lists its parts' licences. */
function sharpBinariesOf({ name, platform }: Target): readonly NativePackage[] {
  const binding: NativePackage = {
    name: `@img/sharp-${name}`,
    files: [
      /^package\.json$/,
      /^LICENSE$/,
      /^README\.md$/,
      /^index\.cjs$/,
      /^versions\.json$/,
      /^lib\/[^/]+\.(node|dll)$/,
    ],
  };
  if (platform === 'win32') return [{ ...binding, licences: 'libvips' }];
  return [
    binding,
    {
      name: `@img/sharp-libvips-${name}`,
      licences: 'libvips',
      files: [/^package\.json$/, /^README\.md$/, /^versions\.json$/, /^lib\/(index\.js|libvips-cpp[^/]*)$/],
    },
  ];
}
