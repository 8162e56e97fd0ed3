import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeReport } from '../support/makeReport.js';
import { runCli } from '../support/cliProcess.js';
import { useTemporaryFolder } from '../support/temporaryFolder.js';

describe('export --html', () => {
  const folder = useTemporaryFolder();

  it('writes a page whose only script is the one that its policy allows', async () => {
    const dir = folder();
    const source = join(dir, 'r.nireport.json');
    writeFileSync(source, JSON.stringify(makeReport({})));
    const page = join(dir, 'r.html');
    const { code, stderr } = await runCli(['export', source, '--html', page]);
    assert.equal(code, 0, stderr);
    const html = readFileSync(page, 'utf8');
    const scripts = [...html.matchAll(/<script>([^]*?)<\/script>/g)].map((match) => match[1] ?? '');
    assert.equal(scripts.length, 1);
    const hash = createHash('sha256').update(scripts[0]!, 'utf8').digest('base64');
    assert.ok(html.includes(`script-src 'sha256-${hash}'`));
    assert.doesNotMatch(html, /<script[^>]+src|<link|@import/);
  });
});
