/** A platform that a VSIX is made for, in the editor's own words. */
export interface Target {
  readonly name: 'linux-x64' | 'linux-arm64' | 'win32-x64' | 'win32-arm64' | 'darwin-arm64';
  readonly platform: 'linux' | 'win32' | 'darwin';
  readonly arch: 'x64' | 'arm64';
  /** What the package may weigh: what it weighs, and a tenth. A dependency that slips in is seen at once. */
  readonly maxPackedBytes: number;
}

/**
 * Every platform that ONNX Runtime has a build for. There is none for Intel Macs, and none for musl (Alpine): the editor
 * offers no package there, rather than one whose engine cannot start.
 */
export const targets: readonly Target[] = [
  { name: 'linux-x64', platform: 'linux', arch: 'x64', maxPackedBytes: 34e6 },
  { name: 'linux-arm64', platform: 'linux', arch: 'arm64', maxPackedBytes: 26e6 },
  { name: 'win32-x64', platform: 'win32', arch: 'x64', maxPackedBytes: 46e6 },
  { name: 'win32-arm64', platform: 'win32', arch: 'arm64', maxPackedBytes: 47e6 },
  { name: 'darwin-arm64', platform: 'darwin', arch: 'arm64', maxPackedBytes: 29e6 },
];
