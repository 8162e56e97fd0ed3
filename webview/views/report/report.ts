import type { ReportPageState, ReportProtocol } from '../../../src/protocol/views/reportMessages.js';
import { openChannel } from '../../channel.js';
import { keepScroll } from '../../keepScroll.js';
import { forwardLinks } from '../../links.js';
import { PageState } from '../../pageState.js';
import './ni-report-page.js';

const channel = openChannel<ReportProtocol>();
const page = document.createElement('ni-report-page');

// Written by this very page, in an earlier life; of another version it may be anything.
const saved = (channel.readState() ?? {}) as Partial<ReportPageState>;
let { origin } = saved;
page.state = new PageState(saved.parts, (parts) => {
  channel.writeState({ origin, parts } satisfies ReportPageState);
});

channel.onShow((show) => {
  if (show.kind === 'progress') {
    if (page.content !== undefined) page.content = { ...page.content, run: show.run };
    return;
  }
  origin = show.origin;
  channel.writeState({ origin, parts: page.state?.all() ?? {} } satisfies ReportPageState);
  page.content = show;
});
page.addEventListener('ni-act', (event) => {
  channel.tell({ kind: 'act', action: event.detail });
});
page.addEventListener('ni-follow-up', (event) => {
  channel.tell(event.detail);
});
page.addEventListener('ni-cancel', () => {
  channel.tell({ kind: 'cancel' });
});
forwardLinks(channel);
document.body.append(page);
keepScroll(page, page.state);
channel.ready();
