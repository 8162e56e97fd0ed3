/** Returns the path of a Chromium: the one named by NEURON_INSPECTOR_CHROMIUM, else the first on the path; or undefined. */
export function findChromium(): string | undefined;
