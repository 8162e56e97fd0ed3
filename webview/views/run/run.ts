import type { RunProtocol } from '../../../src/protocol/views/runMessages.js';
import { openChannel } from '../../channel.js';
import './ni-run-form.js';

const channel = openChannel<RunProtocol>();
const form = document.createElement('ni-run-form');
form.channel = channel;
document.body.append(form);
channel.onShow((show) => {
  form.hear(show);
});
channel.ready();
