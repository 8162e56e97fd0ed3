import { UserError } from '../../base/errors.js';
import type { Session } from './session.js';

/**
 * Returns a session that goes on with another one when a run fails: some kernels of GPU providers are found to be missing only
 * when they run. The run that failed is repeated, so nothing is lost; its feeds may be what is wrong, then it fails again.
 *
 * @param open Opens the other session, told why; called at most once.
 */
export function withFallback(first: Session, open: (why: UserError) => Promise<Session>): Session {
  let current = first;
  let opening: Promise<Session | undefined> | undefined;
  return {
    get provider() {
      return current.provider;
    },
    inputNames: first.inputNames,
    outputNames: first.outputNames,
    run: async (feeds, names) => {
      try {
        return await current.run(feeds, names);
      } catch (error) {
        if (!(error instanceof UserError) || error.code !== 'run-failed' || current !== first) throw error;
        opening ??= open(error).catch(() => undefined);
        const other = await opening;
        if (other === undefined) throw error;
        const results = await other.run(feeds, names);
        // Only now is it sure that the provider was at fault.
        current = other;
        return results;
      }
    },
    close: async () => {
      await first.close();
      await (await opening)?.close();
    },
  };
}
