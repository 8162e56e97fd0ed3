import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TSchema } from '@sinclair/typebox';
import { blockSchemas } from '../../src/protocol/blocks.js';
import { inspectFileSchema } from '../../src/protocol/inspectFile.js';
import { inspectionSchema } from '../../src/protocol/inspection.js';
import { partsSchema } from '../../src/protocol/parts.js';
import { reportSchema } from '../../src/protocol/report.js';
import { rootDir } from '../../test/support/paths.js';

const documents: Readonly<Record<string, TSchema | Readonly<Record<string, TSchema>>>> = {
  report: { ...reportSchema, $defs: { ...blockSchemas, parts: partsSchema } },
  inspection: inspectionSchema,
  'inspect-file': inspectFileSchema,
};

/** What every block has is written once, and referred to. */
const shared = new Map<unknown, string>([[JSON.stringify(partsSchema), '#/$defs/parts']]);

/** Writes a schema without repeating what is shared; the definitions themselves stay. */
function textOf(document: Readonly<Record<string, unknown>>): string {
  const definitions = document['$defs'] ?? {};
  const isDefinition = (holder: unknown): boolean => holder === definitions;
  const refer = function (this: unknown, _key: string, value: unknown): unknown {
    const place = typeof value === 'object' ? shared.get(JSON.stringify(value)) : undefined;
    return place === undefined || isDefinition(this) ? value : { $ref: place };
  };
  return `${JSON.stringify(document, refer, 2)}\n`;
}

const isCheck = process.argv.includes('--check');
const dir = join(rootDir, 'media', 'schemas');
mkdirSync(dir, { recursive: true });
let staleCount = 0;
for (const [name, schema] of Object.entries(documents)) {
  const file = join(dir, `${name}.schema.json`);
  const document: Record<string, unknown> = { $schema: 'http://json-schema.org/draft-07/schema#', ...schema };
  delete document['$id'];
  const text = textOf(document);
  if (!isCheck) writeFileSync(file, text);
  else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    console.error(`  media/schemas/${name}.schema.json is not what the code says: run npm run schemas.`);
    staleCount++;
  }
}
process.exit(staleCount > 0 ? 1 : 0);
