import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TSchema } from '@sinclair/typebox';
import { blockSchemas } from '../../src/protocol/blocks.js';
import { inspectFileSchema } from '../../src/protocol/inspectFile.js';
import { inspectionSchema } from '../../src/protocol/inspection.js';
import { reportSchema } from '../../src/protocol/report.js';
import { rootDir } from '../../test/support/paths.js';

const documents: Readonly<Record<string, TSchema | Readonly<Record<string, TSchema>>>> = {
  report: { ...reportSchema, $defs: blockSchemas },
  inspection: inspectionSchema,
  'inspect-file': inspectFileSchema,
};

const isCheck = process.argv.includes('--check');
const dir = join(rootDir, 'media', 'schemas');
mkdirSync(dir, { recursive: true });
let staleCount = 0;
for (const [name, schema] of Object.entries(documents)) {
  const file = join(dir, `${name}.schema.json`);
  const document: Record<string, unknown> = { $schema: 'http://json-schema.org/draft-07/schema#', ...schema };
  delete document['$id'];
  const text = `${JSON.stringify(document, null, 2)}\n`;
  if (!isCheck) writeFileSync(file, text);
  else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    console.error(`  media/schemas/${name}.schema.json is not what the code says: run npm run schemas.`);
    staleCount++;
  }
}
process.exit(staleCount > 0 ? 1 : 0);
