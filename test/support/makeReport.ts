import type { Report } from '../../src/protocol/report.js';

/** Returns a valid report with everything empty but what is given. */
export function makeReport(fields: Partial<Report> = {}): Report {
  return {
    schemaVersion: 1,
    analysis: 'dead-neurons',
    question: 'Which units never fire?',
    title: 'Dead neurons',
    summary: 'Nothing was found.',
    status: 'complete',
    model: { path: '/models/tiny.onnx', name: 'tiny', sizeBytes: 1234 },
    data: { path: '/data/tiny.npz', kind: 'npz', sampleCount: 100 },
    settings: { epsilon: 0.001 },
    seed: 0,
    provider: 'cpu',
    batchSize: 16,
    tool: { version: '0.1.0', runtime: '1.30.0' },
    createdAt: '2026-01-02T03:04:05.000Z',
    durationMs: 1500,
    metrics: {},
    evidence: {},
    findings: [],
    arrays: {},
    blocks: [],
    papers: [],
    warnings: [],
    ...fields,
  };
}
