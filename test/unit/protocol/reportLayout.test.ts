import assert from 'node:assert/strict';
import { blockMetrics, provenance } from '../../../src/protocol/formatReport.js';
import { placedBlocks, reportFacts } from '../../../src/protocol/reportLayout.js';
import { makeReport } from '../../support/makeReport.js';

const finding = { severity: 'info' as const, message: 'm', advice: 'a' };

describe('the layout of a report', () => {
  it('shows metrics and findings first when no block shows them', () => {
    const report = makeReport({
      metrics: { b: 2, a: 1 },
      findings: [finding],
      blocks: [{ type: 'markdown', text: 'x' }],
    });
    const blocks = placedBlocks(report);
    assert.deepEqual(
      blocks.map(({ type }) => type),
      ['metrics', 'findings', 'markdown'],
    );
    const [metrics] = blocks;
    assert.ok(metrics?.type === 'metrics' && 'items' in metrics);
    const lines = blockMetrics(report, { type: 'metrics', items: [] });
    assert.deepEqual(
      lines.map(({ metric, value }) => [metric, value]),
      [
        ['b', '2'],
        ['a', '1'],
      ],
    );
  });

  it('leaves blocks where the analysis placed them', () => {
    const blocks = [
      { type: 'findings' as const },
      { type: 'metrics' as const, items: [{ metric: 'a', label: 'A' }] },
    ];
    const report = makeReport({ metrics: { a: 1 }, findings: [finding], blocks });
    assert.deepEqual(placedBlocks(report), blocks);
  });

  it('adds nothing to a report without metrics and findings', () => {
    assert.deepEqual(placedBlocks(makeReport()), []);
  });

  it('says what a report was made of, with what was not set', () => {
    const report = makeReport({ settings: { method: 'gradient', layer: null, steps: 50 }, data: null });
    const facts = new Map(reportFacts(report));
    assert.equal(facts.get('Setting method'), 'gradient');
    assert.equal(facts.get('Setting layer'), 'not set');
    assert.equal(facts.get('Setting steps'), '50');
    assert.equal(facts.get('Data'), 'none');
    assert.equal(facts.get('SHA-256'), 'not computed');
  });

  it('says how many samples an answer rests on, where it is not all of them', () => {
    const data = { path: 'x.npz', kind: 'npz', sampleCount: 4000 };
    const dataOf = (part: object): string | undefined =>
      new Map(reportFacts(makeReport({ data: { ...data, ...part } }))).get('Data');
    assert.equal(dataOf({}), 'x.npz (npz, 4,000 samples)');
    assert.equal(dataOf({ usedCount: 8 }), 'x.npz (npz, 8 of 4,000 samples)');
    const head = provenance(makeReport({ data: { ...data, usedCount: 8 } }));
    assert.ok(head.includes('8 of 4,000 samples (NPZ)'));
    const images = provenance(makeReport({ data: { ...data, kind: 'idx', usedCount: 64 } }));
    assert.ok(images.includes('64 of 4,000 images (IDX)'));
  });
});
