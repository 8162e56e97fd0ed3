/** Forward passes that a gradient takes as long as, its forward pass included: the bar of dense models. */
export const passesPerGradient = 2.5;

/** The same for one step of integrated gradients, as measured: points are made and folded outside the graph. */
export const passesPerStep = 3.5;
