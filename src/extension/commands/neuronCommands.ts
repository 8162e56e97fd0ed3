import type { App } from '../app.js';

/** Goes to the neuron that the page in front showed before. */
export async function neuronBack(app: App): Promise<void> {
  await app.navigation.travelNeurons(-1);
}

/** Goes to the neuron that the page in front came back from. */
export async function neuronForward(app: App): Promise<void> {
  await app.navigation.travelNeurons(1);
}
