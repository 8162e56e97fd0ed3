import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { conformanceOf, type ConformanceResult } from '../../test/support/conformance.js';
import { caseNames, packagedCases, readCase } from '../../test/support/onnxTestData.js';
import { rootDir } from '../../test/support/paths.js';
import { conformancePage, type CaseFolder } from './conformancePage.js';

if (packagedCases === undefined) {
  console.error('The cases are not here: apt-get install libonnx-testdata.');
  process.exit(2);
}
const folders: CaseFolder[] = [];
for (const folder of ['node', 'simple', 'pytorch-operator', 'pytorch-converted', 'real']) {
  const dir = join(packagedCases, folder);
  const results: ConformanceResult[] = [];
  const unread: string[] = [];
  for (const name of caseNames(dir)) {
    const found = await readCase(dir, name);
    if (found === undefined) unread.push(name);
    else results.push(await conformanceOf(dir, found));
  }
  folders.push({ folder, results, unread });
  console.log(`${folder}: ${results.length} cases`);
}
writeFileSync(join(rootDir, 'docs', 'conformance.md'), conformancePage(folders));
