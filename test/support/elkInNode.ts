import { createRequire } from 'node:module';
import type { ElkNode } from 'elkjs/lib/elk-api.js';
import type { LayOut } from '../../webview/views/model/graph/boxLayout.js';

interface Elk {
  layout(graph: ElkNode): Promise<ElkNode>;
}

/** Returns the layout that the page runs in its worker, run here. */
export function elkInNode(): LayOut {
  // Its types speak of an ES module, its code is CommonJS.
  const Constructor = createRequire(import.meta.url)('elkjs/lib/elk.bundled.js') as new (options: {
    algorithms: string[];
  }) => Elk;
  const elk = new Constructor({ algorithms: ['layered'] });
  return (graph) => elk.layout(graph);
}
