import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import type { Model } from '../../../onnx/model.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import { elementCountOf, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { chooseOutput } from '../attribution/explained.js';
import { readValues } from '../attribution/readValues.js';
import type { Rows } from '../attribution/rows.js';
import { rowTypes } from '../attribution/rowTypes.js';
import type { InfluenceSettings } from './settings.js';

/** A model whose scores `[N, C]` stand in its graph. */
export interface ScoredModel {
  readonly model: Model;
  readonly scores: string;
  readonly classCount: number;
  readonly types: TypeTable;
}

/**
 * Appends the scores `[N, C]`: for a cross-entropy the logits, where one score of two classes stands beside a zero for the
 * first; else the output as it is.
 */
export async function scoredModel(
  context: AnalysisContext,
  rows: Rows,
  settings: Pick<InfluenceSettings, 'loss' | 'output'>,
): Promise<ScoredModel> {
  const isClassifier = settings.loss === 'cross-entropy';
  const { value } = chooseOutput(context.model, await rowTypes(context, rows), {
    output: settings.output,
    explain: isClassifier ? 'auto' : 'output',
  });
  const [sample] = (await readValues(context, { ...rows, count: 1 }, [value])).values();
  const outputCount = sample === undefined ? 0 : elementCountOf(sample.dims.slice(1));
  const builder = new GraphBuilder(context.model);
  const flat = builder.node('Flatten', [builder.cast(value, 1)], { attributes: { axis: 1 } });
  const isSingle = isClassifier && outputCount === 1;
  const scores = isSingle
    ? builder.node('Concat', [builder.node('Mul', [flat, builder.scalar(0)]), flat], {
        attributes: { axis: 1 },
      })
    : flat;
  const model = builder.build();
  const types = await rowTypes({ ...context, model }, rows);
  return { model, scores, classCount: isSingle ? 2 : outputCount, types };
}

/** Returns the scores of every row. */
export async function readScores(
  context: AnalysisContext,
  { model, scores, classCount }: ScoredModel,
  rows: Rows,
): Promise<readonly Float64Array[]> {
  const value = (await readValues({ ...context, model }, rows, [scores])).get(scores);
  const elements = value === undefined ? new Float64Array() : toFloat64(value);
  return Array.from({ length: rows.count }, (_, row) =>
    elements.slice(row * classCount, (row + 1) * classCount),
  );
}
