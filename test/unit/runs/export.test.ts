import assert from 'node:assert/strict';
import { Value } from '@sinclair/typebox/value';
import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { parseReport } from '../../../src/protocol/report.js';
import { toCsv } from '../../../src/runs/export/csv.js';
import { escapeMarkdown, escapeXml } from '../../../src/runs/export/escape.js';
import { toHtml } from '../../../src/runs/export/html.js';
import { toJunit } from '../../../src/runs/export/junit.js';
import { toMarkdown } from '../../../src/runs/export/markdown.js';
import { encodePng } from '../../../src/base/png.js';
import { withoutFolders } from '../../../src/base/withoutFolders.js';
import { toSarif } from '../../../src/runs/export/sarif.js';
import { judge, parseThreshold } from '../../../src/runs/thresholds.js';
import { hostileName, reportWithEveryBlock } from '../../support/everyBlock.js';
import { requiredOfSarif } from '../../support/requiredOfSarif.js';
import { makeReport } from '../../support/makeReport.js';

describe('the HTML export', function () {
  this.timeout(20_000);
  let html = '';
  before(async () => {
    html = await toHtml(parseReport(reportWithEveryBlock(), 'the test report'), '/nowhere');
  });

  it('loads nothing and runs nothing', () => {
    assert(!/<script|<link|<iframe|<object|<embed|@import|url\(/i.test(html));
    for (const [, source = ''] of html.matchAll(/\ssrc="([^"]*)"/g)) {
      assert(/^data:(image\/|audio\/wav;base64,)/.test(source), source.slice(0, 40));
    }
    // Links lead to pages; what a drawing holds is a picture within it.
    for (const [, tag = '', target = ''] of html.matchAll(/<(\w+)[^>]*\shref="([^"]*)"/g)) {
      assert((tag === 'image' ? /^data:image\/png;base64,/ : /^https?:/).test(target), target.slice(0, 40));
    }
  });

  it('allows by its policy its own style sheet and data URIs only', () => {
    const [, style = ''] = /<style>([^]*?)<\/style>/.exec(html) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html) ?? [];
    assert.equal(
      policy,
      `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; media-src data:; base-uri 'none'; form-action 'none'`,
    );
    // The policy blocks inline styles, so there must be none to miss.
    assert(!/\sstyle="/.test(html));
    assert(!/<[a-z][^<>]*\son[a-z]+="/i.test(html));
  });

  it('sets both sides of a comparison beside each other, and sounds with their player and what matters most', () => {
    assert.match(html, /<figcaption>Gradient<\/figcaption>.*<figcaption>=&lt;img/s);
    assert.match(html, /<audio controls [^>]*src="data:audio\/wav;base64,/);
    assert.match(html, /beep\.wav · what matters most: 0\.00–0\.04 s, 0\.06–0\.10 s/);
  });

  it('shows hostile names as text', () => {
    assert(!html.includes('<img src=x'));
    assert(html.includes('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;'));
  });

  it('draws the chart and folds its table below', () => {
    const chart = html.indexOf('aria-label="Bars of the dead share of three layers."');
    const twin = html.indexOf('Data as a table');
    assert(chart > 0 && twin > chart);
    // Three bars: a path each.
    assert.equal([...html.matchAll(/aria-roledescription="bar"/g)].length, 3);
  });

  it('shows every block, also one of a later version', () => {
    for (const text of [
      '18.8 %',
      'measured on all 100 samples',
      'Lower the learning rate.',
      'one blue pixel',
      'Heat map: row 1',
      'class="p9" title="0.9"',
      '64 units',
      'Divide by 255.',
      'https://arxiv.org/abs/1903.06733',
      'A hologram of the loss.',
      'How it was computed',
      'partial',
    ]) {
      assert(html.includes(text), text);
    }
  });

  it('shows the table of a chart that cannot be drawn or wants to load data', async () => {
    const block = reportWithEveryBlock().blocks.find((candidate) => candidate.type === 'chart');
    assert(block !== undefined);
    for (const spec of [
      { mark: 'nonsense' },
      { ...block, data: { url: 'file:///etc/passwd' }, mark: 'bar' },
    ]) {
      const report = makeReport({ blocks: [{ ...block, spec }] });
      const page = await toHtml(report, '/nowhere');
      assert(page.includes('<td><code>fc1</code></td>'));
      assert(!page.includes('root:'));
    }
  });

  it('reads no picture outside the folder of the report', async () => {
    for (const source of [
      '/etc/hostname.png',
      '../secret.png',
      'https://example.org/x.png',
      'data:text/html,x',
    ]) {
      const image = { source, width: 1, height: 1, alt: 'the picture' };
      const page = await toHtml(makeReport({ blocks: [{ type: 'image', image }] }), '/nowhere');
      assert(page.includes('the picture is not in the report'), source);
      assert(!page.includes('<img'));
    }
  });
});

describe('the PNG writer', () => {
  it('stores the pixels it was given', () => {
    const rgba = Uint8Array.from({ length: 2 * 3 * 4 }, (_, i) => i);
    const png = encodePng(2, 3, rgba);
    assert.equal(png.readUInt32BE(16), 2);
    assert.equal(png.readUInt32BE(20), 3);
    const size = png.readUInt32BE(33);
    const rows = inflateSync(png.subarray(41, 41 + size));
    assert.deepEqual([...rows], [0, ...rgba.slice(0, 8), 0, ...rgba.slice(8, 16), 0, ...rgba.slice(16, 24)]);
  });
});

describe('the CSV export', () => {
  const rows: string[][] = parse(toCsv(reportWithEveryBlock()), {
    relax_column_count: true,
    skip_empty_lines: true,
  });

  it('keeps numbers unrounded and empty cells empty', () => {
    assert.deepEqual(rows[0], ['Layers']);
    assert.deepEqual(rows[1], ['Layer', 'Units', 'Dead', 'Mean (V)', 'State']);
    assert.deepEqual(rows[2], ['fc1', '1200', '0.25', '0.123456', 'dead']);
    assert.deepEqual(rows[4], ['fc3', '10', '1', '', 'rare']);
  });

  it('keeps text that a spreadsheet would run as a formula as text', () => {
    assert.equal(rows[3]?.[0], `'${hostileName}`);
    for (const row of rows) for (const cell of row) assert(!/^[=@+]/.test(cell), cell);
  });

  it('leaves negative numbers alone', () => {
    const columns = [{ key: 'x', label: 'x', kind: 'number' as const }];
    const table = {
      type: 'table' as const,
      columns,
      rows: [{ x: -1.5 }, { x: '-Infinity' as const }, { x: '-cmd' }],
    };
    const text = toCsv(makeReport({ blocks: [table] }));
    assert.match(text, /\r\n-1.5\r\n-Infinity\r\n'-cmd\r\n/);
  });
});

describe('the Markdown export', () => {
  const text = toMarkdown(reportWithEveryBlock());

  it('has every table cell on one line with its columns', () => {
    const lines = text.split('\n').filter((line) => line.startsWith('| '));
    for (const line of lines) {
      const separators = line.replaceAll('\\|', '').split('|').length;
      assert([5, 7].includes(separators), line);
    }
  });

  it('escapes markup in names', () => {
    assert(!/(?<!\\)<img/.test(text));
    assert(!text.includes('<script'));
    assert.equal(escapeMarkdown('a_b*c [x](y)'), 'a\\_b\\*c \\[x\\](y)');
    assert.equal(escapeMarkdown('- item'), '\\- item');
  });
});

describe('SARIF and JUnit', () => {
  const report = makeReport({
    metrics: { deadShare: 0.5 },
    model: { path: '/home/ana/models/my model.onnx', name: 'my model', sizeBytes: 1 },
    findings: [
      { severity: 'error', address: 'fc1[3]', message: 'fc1[3] is dead & gone.', advice: 'Lower it.' },
      { severity: 'info', message: 'Fine.', advice: '' },
    ],
  });
  const judgements = ['deadShare>0.4', 'deadShare>0.6'].map((line) =>
    judge(parseThreshold(line, ['deadShare']), report),
  );

  it('writes findings and crossed thresholds as SARIF results', () => {
    const log = JSON.parse(toSarif(report, judgements, { baseDir: '/home/ana' })) as {
      version: string;
      runs: {
        results: {
          level: string;
          ruleId: string;
          ruleIndex: number;
          locations: {
            physicalLocation: { artifactLocation: { uri: string } };
            logicalLocations?: { fullyQualifiedName: string }[];
          }[];
        }[];
        tool: { driver: { rules: { id: string }[] } };
      }[];
    };
    assert.equal(log.version, '2.1.0');
    const [run] = log.runs;
    assert(run !== undefined);
    assert.deepEqual(
      run.results.map((result) => result.level),
      ['error', 'note', 'error'],
    );
    for (const result of run.results) {
      assert.equal(run.tool.driver.rules[result.ruleIndex]?.id, result.ruleId);
      assert.equal(result.locations[0]?.physicalLocation.artifactLocation.uri, 'models/my%20model.onnx');
    }
    assert.equal(run.results[0]?.locations[0]?.logicalLocations?.[0]?.fullyQualifiedName, 'fc1[3]');
    assert.match(
      toSarif(report, [], { baseDir: '/elsewhere' }),
      /file:\/\/\/home\/ana\/models\/my%20model\.onnx/,
    );
  });

  it('places a finding on the line of code that makes its layer, under the rule of who found it', () => {
    const checkup = {
      ...report,
      analysis: 'checkup',
      findings: report.findings.map((finding) => ({ ...finding, analysis: 'dead-neurons' })),
      parts: [{ analysis: 'dead-neurons', title: 'Dead neurons', summary: '' }],
    };
    const code = new Map([['fc1[3]', { path: '/home/ana/training.py', line: 18 }]]);
    const log = JSON.parse(toSarif(checkup, [], { baseDir: '/home/ana', code })) as {
      runs: { results: { ruleId: string; locations: object[]; relatedLocations?: object[] }[] }[];
    };
    const [dead, fine] = log.runs[0]?.results ?? [];
    assert.equal(dead?.ruleId, 'dead-neurons');
    assert.deepEqual(dead.locations, [
      {
        physicalLocation: { artifactLocation: { uri: 'training.py' }, region: { startLine: 19 } },
        logicalLocations: [{ fullyQualifiedName: 'fc1[3]', kind: 'member' }],
      },
    ]);
    assert.equal(dead.relatedLocations?.length, 1);
    assert.equal(fine?.relatedLocations, undefined);
  });

  it('names files in the words of a finding from where the run was started', () => {
    const message = '/home/ana/models/step-1.onnx ends too early.';
    const findings = report.findings.map((finding) => ({ ...finding, message }));
    assert.doesNotMatch(toSarif({ ...report, findings }, [], { baseDir: '/home/ana' }), /\/home\/ana/);
    assert.equal(
      withoutFolders('C:\\a\\b.onnx, /x/y/z and /', ['C:\\a', '/x', '/x/y/', '/']),
      'b.onnx, z and /',
    );
  });

  it('has every field that the schema of SARIF 2.1.0 requires', () => {
    const log: unknown = JSON.parse(toSarif(report, judgements, { baseDir: '/home/ana' }));
    assert.deepEqual([...Value.Errors(requiredOfSarif, log)], []);
  });

  it('writes one JUnit case a threshold; only crossed ones fail', () => {
    const xml = toJunit(report, judgements);
    assert.match(xml, /tests="3" failures="1" errors="0"/);
    assert.equal([...xml.matchAll(/<failure /g)].length, 1);
    assert.match(xml, /name="not deadShare&gt;0.4"/);
    assert.match(xml, /is dead &amp; gone/);
  });

  it('reports a failed run as an error', () => {
    const xml = toJunit({ ...report, status: 'failed' }, [], new Error('engine "lost"'));
    assert.match(xml, /errors="1"/);
    assert.match(xml, /<error message="engine &quot;lost&quot;"/);
  });

  it('writes no character that XML forbids', () => {
    assert.equal(escapeXml('a\u0000b\u001b\ud800c\nd'), 'a�b��c&#10;d');
  });
});
