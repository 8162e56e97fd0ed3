import type { NeuronPageState, NeuronProtocol } from '../../../src/protocol/views/neuronMessages.js';
import { openChannel } from '../../channel.js';
import { keepScroll } from '../../keepScroll.js';
import { forwardLinks } from '../../links.js';
import { PageState } from '../../pageState.js';
import { applyShow } from './neuronContent.js';
import './ni-neuron-page.js';

const channel = openChannel<NeuronProtocol>();
const page = document.createElement('ni-neuron-page');

// Written by this very page, in an earlier life; of another version it may be anything.
const saved = (channel.readState() ?? {}) as Partial<NeuronPageState>;
const state = new PageState(saved, (parts) => {
  channel.writeState(parts);
});
const { opacity, histograms } = saved;
page.look = {
  opacity: typeof opacity === 'number' ? opacity : page.look.opacity,
  histograms: typeof histograms === 'object' ? histograms : {},
};
page.act = (tell) => {
  channel.tell(tell);
};
page.goTo = (text) => channel.ask({ kind: 'go-to', text });

channel.onShow((show) => {
  page.content = applyShow(page.content, show, Date.now());
  if (show.kind !== 'place' && show.kind !== 'problem') return;
  keep({ model: show.model, trail: show.trail });
});
page.addEventListener('ni-look', () => {
  keep({ ...page.look });
});
forwardLinks(channel);
document.body.append(page);
keepScroll(page, state);
channel.ready();

function keep(parts: Partial<NeuronPageState>): void {
  for (const [name, part] of Object.entries(parts)) state.set(name, part);
}
