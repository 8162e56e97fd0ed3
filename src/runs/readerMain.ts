import { serveReader } from './readerServer.js';
import { serveOnProcess } from './serveOnProcess.js';

// The reader process: reads models and runs nothing, without native code, so that it may serve what is not trusted.
serveOnProcess(serveReader);
