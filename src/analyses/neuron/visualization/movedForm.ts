import type { SpectrumShape } from '../../../engine/descent/spectrum.js';
import type { Canvas } from './canvas.js';
import type { VisualizationSettings } from './settings.js';

/** What is moved, and how z comes of it. */
export interface MovedForm extends SpectrumShape {
  /** Whether the waves of z are moved and not its positions. */
  readonly isSpectrum: boolean;
  /** Whether z stays between −1 and 1. */
  readonly isBounded: boolean;
}

/** Returns what is moved; an input without neighbours has no waves. */
export function formOf(
  { input }: Canvas,
  { parameterization, range }: VisualizationSettings,
  dims: readonly number[],
): MovedForm {
  const positionAxes = input.positionAxes.filter((axis) => (dims[axis] ?? 1) > 1);
  return {
    dims,
    positionAxes,
    isSpectrum: parameterization === 'fourier' && positionAxes.length > 0,
    isBounded: range === 'data',
  };
}
