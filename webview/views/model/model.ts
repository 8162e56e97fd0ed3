import type { ModelProtocol } from '../../../src/protocol/views/modelMessages.js';
import { openChannel } from '../../channel.js';
import { forwardLinks } from '../../links.js';
import { PageState } from '../../pageState.js';
import './ni-model-page.js';

const channel = openChannel<ModelProtocol>();
const page = document.createElement('ni-model-page');

page.state = new PageState(channel.readState(), (parts) => {
  channel.writeState(parts);
});
page.ask = (question) => channel.ask(question);
page.tell = (message) => {
  channel.tell(message);
};

channel.onShow((show) => {
  page.show(show);
});
forwardLinks(channel);
document.body.append(page);
channel.ready();
