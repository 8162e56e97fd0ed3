/** The measures of `attribution-benchmark` by name. */
export const measureNames = [
  'insertion',
  'deletion',
  'sensitivity-n',
  'infidelity',
  'pointing-game',
  'max-sensitivity',
  'randomisation',
  'sparseness',
] as const;

/** A measure's name. */
export type MeasureName = (typeof measureNames)[number];

/** How a measure is read. */
export interface MeasureFacts {
  readonly title: string;
  /** Key of the report's tables and arrays. */
  readonly key: string;
  /** Which way is better; `neither` where more is no merit by itself. */
  readonly better: 'higher' | 'lower' | 'neither';
  /** What it measures and how to read it, one or two sentences. */
  readonly reading: string;
  readonly paperIds: readonly string[];
}

/** What the measures are. */
export const measureFacts: Readonly<Record<MeasureName, MeasureFacts>> = {
  insertion: {
    title: 'Insertion',
    key: 'insertion',
    better: 'higher',
    reading:
      'Area under the prediction as positions are shown, highest scores first, from the baseline on. Higher is better.',
    paperIds: ['petsiuk2018'],
  },
  deletion: {
    title: 'Deletion',
    key: 'deletion',
    better: 'lower',
    reading:
      'Area under the prediction as positions are hidden behind the baseline, highest scores first. Lower is better.',
    paperIds: ['petsiuk2018'],
  },
  'sensitivity-n': {
    title: 'Sensitivity-n',
    key: 'sensitivityN',
    better: 'higher',
    reading:
      'Correlation between the summed scores of random sets of n positions and what hiding them takes from the explained value, averaged over n. Higher is better, 1 is perfect.',
    paperIds: ['ancona2017'],
  },
  infidelity: {
    title: 'Infidelity',
    key: 'infidelity',
    better: 'lower',
    reading:
      'Share of the squared change of the explained value, under random hidden sets, that the scores (scaled as fits best) do not explain. Lower is better: 0 explains all, 1 nothing.',
    paperIds: ['yeh2019'],
  },
  'pointing-game': {
    title: 'Pointing game',
    key: 'pointingGame',
    better: 'higher',
    reading: 'Share of rows whose highest score lies inside the given mask. Higher is better.',
    paperIds: ['zhang2016'],
  },
  'max-sensitivity': {
    title: 'Max-sensitivity',
    key: 'maxSensitivity',
    better: 'lower',
    reading:
      'Largest relative change of the scores when the input moves a little at random; what the method itself draws is in it. Lower is better.',
    paperIds: ['yeh2019'],
  },
  randomisation: {
    title: 'Randomisation',
    key: 'randomisation',
    better: 'neither',
    reading:
      'Rank correlation of the scores with those after the weights of all layers were shuffled. Near 0 is right; near 1 the scores do not come from what was learned.',
    paperIds: ['adebayo2018'],
  },
  sparseness: {
    title: 'Sparseness',
    key: 'sparseness',
    better: 'neither',
    reading:
      'Gini index of the sizes of the scores: 0 where all are the same, towards 1 where few have all. More is easier to read, not more right.',
    paperIds: ['chalasani2018'],
  },
};
