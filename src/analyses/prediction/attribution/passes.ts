/** Forward passes that a gradient takes as long as, its forward pass included: the bar of dense models. */
export const passesPerGradient = 2.5;
