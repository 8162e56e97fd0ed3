// A thread with a session of the runtime: opens it, and runs it as it is asked to, one run after the other.
// JavaScript, as it runs from source and from the bundle alike.

import { parentPort, workerData } from 'node:worker_threads';
import ort from 'onnxruntime-node';

ort.env.logLevel = 'fatal';

let session;

await answer(async () => {
  session = await ort.InferenceSession.create(workerData.model, workerData.options);
  return { inputMetadata: session.inputMetadata };
});

parentPort.on('message', (request) => {
  if (request.kind === 'release') {
    parentPort.close();
    void session.release();
    return;
  }
  void answer(async () => {
    const feeds = {};
    for (const [name, { type, data, dims }] of Object.entries(request.feeds)) {
      feeds[name] = new ort.Tensor(type, data, dims);
    }
    const results = await session.run(feeds, request.fetches);
    return {
      results: Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, plain(tensor)])),
    };
  });
});

function plain({ type, data, dims }) {
  return { type, data, dims };
}

async function answer(work) {
  try {
    parentPort.postMessage({ kind: 'done', ...(await work()) });
  } catch (error) {
    parentPort.postMessage({
      kind: 'failed',
      message: error instanceof Error ? error.message : String(error),
    });
  }
}
