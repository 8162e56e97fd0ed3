// A thread with a session of the runtime: opens it, and runs it as it is asked to, one run after the other.
// JavaScript, as it runs from source and from the bundle alike.

import { parentPort, workerData } from 'node:worker_threads';
import ort from 'onnxruntime-node';

ort.env.logLevel = 'fatal';

let session;

await answer(async () => {
  session = await ort.InferenceSession.create(workerData.model, workerData.options);
  // The runtime has its own copy.
  delete workerData.model;
  return { inputMetadata: session.inputMetadata };
});

// Without a session the thread has nothing to listen to, and ends.
if (session !== undefined) {
  parentPort.on('message', (request) => {
    if (request.kind === 'release') {
      parentPort.close();
      void session.release();
    } else {
      void answer(() => run(request));
    }
  });
  parentPort.on('messageerror', (error) => answer(() => Promise.reject(error)));
}

async function run({ feeds, fetches }) {
  const tensors = {};
  for (const [name, { type, data, dims }] of Object.entries(feeds)) {
    tensors[name] = new ort.Tensor(type, data, dims);
  }
  const results = {};
  for (const [name, { type, data, dims }] of Object.entries(await session.run(tensors, fetches))) {
    results[name] = { type, data, dims };
  }
  return { results };
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
