import { inspectFileOf } from '../data/inspectFileOf.js';
import { prepareData } from '../data/openDataset.js';
import { sampleCards } from '../data/sampleCards.js';
import type { Model } from '../onnx/model.js';
import type { DataDescription, DescribeDataRequest, SamplesRequest } from '../protocol/engineMessages.js';
import type { SampleCard } from '../protocol/units.js';

/**
 * Returns how data are understood for a model, with the inspect file that would say so.
 *
 * @throws UserError when the data is missing, empty or damaged, or does not fit the model.
 */
export async function describeData(model: Model, request: DescribeDataRequest): Promise<DataDescription> {
  const prepared = await prepareData(request.dataPath, model, request.describedBy);
  const { kind, sampleCount, hasLabels, labelNames, warnings } = prepared.dataset;
  return {
    kind,
    sampleCount,
    hasLabels,
    ...(labelNames === undefined ? {} : { labelNames }),
    ...(prepared.isDescribed ? {} : { proposal: inspectFileOf(prepared, request) }),
    warnings,
  };
}

/**
 * Returns samples of a data set as a person recognises them.
 *
 * @throws UserError as `describeData` does, and `sample-out-of-range`.
 */
export async function readSamples(model: Model, request: SamplesRequest): Promise<readonly SampleCard[]> {
  const prepared = await prepareData(request.dataPath, model);
  return sampleCards(prepared, request.indices, { pictureSize: request.pictureSize });
}
