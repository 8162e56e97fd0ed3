import { serveEngine } from '../../src/runs/engineServer.js';
import { serveOnProcess } from '../../src/runs/serveOnProcess.js';
import { testAnalyses } from './testAnalyses.js';

// The engine process with analyses whose answers are known.
serveOnProcess((channel) => {
  serveEngine(channel, testAnalyses);
});
