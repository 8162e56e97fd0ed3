import type { HostChannel } from './requestServer.js';

/** Serves requests over the channel that this process was forked with, until the parent goes. */
export function serveOnProcess(serve: (channel: HostChannel) => void): void {
  // Without a parent nobody hears the answers. Ended from outside: a thread that runs a model meanwhile would abort on an orderly exit.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // Ctrl-C in a terminal reaches the whole process group; the host decides what it means.
  process.on('SIGINT', () => undefined);
  serve({
    on: (event, listener) => {
      process.on(event, listener);
    },
    send: (message) => {
      if (process.connected) process.send?.(message);
    },
  });
}
