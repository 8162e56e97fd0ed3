import { makeReport } from './makeReport.js';

// An engine that misbehaves on request: the analysis's id says how. Runs as a child process.
process.on('disconnect', () => process.exit(0));
process.on('message', (message: { id: number; request: { analysis: string } }) => {
  const { id, request } = message;
  const send = (answer: object): void => {
    process.send?.(answer);
  };
  const done = (): void => {
    send({ kind: 'done', id, result: { report: makeReport(), runId: id } });
  };
  const partial = (): void => {
    send({ kind: 'partial', id, report: makeReport({ status: 'partial', summary: 'half' }) });
  };
  switch (request.analysis) {
    case 'pid':
      send({ kind: 'done', id, result: { report: makeReport({ summary: String(process.pid) }), runId: id } });
      return;
    case 'progress':
      send({ kind: 'progress', id, fractionDone: 0.5, message: 'half' });
      partial();
      done();
      // A second answer must not reach the next request.
      done();
      return;
    case 'user-error':
      send({
        kind: 'failed',
        id,
        error: {
          kind: 'user',
          code: 'bad-thing',
          message: 'It is bad.',
          errorKind: 'input',
          detail: { a: 1 },
        },
      });
      return;
    case 'bug':
      send({ kind: 'failed', id, error: { kind: 'bug', name: 'TypeError', message: 'oops', stack: 'at x' } });
      return;
    case 'exit':
      partial();
      process.stderr.write('the last words\n', () => process.exit(7));
      return;
    case 'abort':
      process.abort();
      break;
    case 'disconnect':
      process.disconnect();
      // Stays alive: the host must not wait for it.
      setInterval(() => undefined, 1000);
      return;
    case 'nonsense':
      send({ hello: 'world' });
      process.send?.('text');
      done();
      return;
    case 'busy': {
      partial();
      // Blocks the event loop as a native run does: only a kill ends it.
      const shared = new Int32Array(new SharedArrayBuffer(4));
      setTimeout(() => Atomics.wait(shared, 0, 0, 60_000), 20);
      return;
    }
    default:
      done();
  }
});
