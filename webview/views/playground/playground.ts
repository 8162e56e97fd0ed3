import type {
  PlaygroundPageState,
  PlaygroundProtocol,
} from '../../../src/protocol/views/playgroundMessages.js';
import { openChannel } from '../../channel.js';
import { PageState } from '../../pageState.js';
import './ni-playground.js';

const channel = openChannel<PlaygroundProtocol>();
const page = document.createElement('ni-playground');

// Written by this very page, in an earlier life; of another version it may be anything.
const saved = (channel.readState() ?? {}) as Partial<PlaygroundPageState>;
const state = new PageState(saved, (parts) => {
  channel.writeState(parts);
});
page.restore(saved);
page.tell = (message) => {
  channel.tell(message);
};
page.addEventListener('ni-keep', () => {
  keep({ ...page.kept });
});
channel.onShow((show) => {
  page.hear(show);
  if (show.kind === 'place') keep({ model: show.model, tokenizerPath: show.tokenizerPath });
});
document.body.append(page);
channel.ready();

function keep(parts: Partial<PlaygroundPageState>): void {
  for (const [name, part] of Object.entries(parts)) state.set(name, part);
}
