import { analyses } from '../analyses/registry.js';
import { serveEngine } from './engineServer.js';
import { serveOnProcess } from './serveOnProcess.js';

// The engine process: holds the data, the analyses and the native runtime, so that a crash or a cancel ends it and
// never the editor.
serveOnProcess((channel) => {
  serveEngine(channel, analyses);
});
