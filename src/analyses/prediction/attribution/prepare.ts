import { UserError } from '../../../base/errors.js';
import type { Feeds, Runtime } from '../../../engine/runtime/session.js';
import { measureTypes } from '../../../engine/runtime/measureTypes.js';
import { readNpz } from '../../../data/npz.js';
import type { Model } from '../../../onnx/model.js';
import type { TypeTable } from '../../../onnx/shapes/inferTypes.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import {
  backgroundFromArrays,
  baselineFromArrays,
  type Baselines,
  constantBaseline,
  parseConstant,
} from './baselines.js';
import { chooseOutput } from './explained.js';
import { type Field, openField } from './field.js';
import { explainableInputs } from './inputs.js';
import { channelAxisOf } from './layout.js';
import { methods } from './methods/methods.js';
import type { ExplainedTensor, Problem } from './problem.js';
import { readValues } from './readValues.js';
import type { ExplanationFacts } from './report/draft.js';
import { readRows, type Rows, takeRows } from './rows.js';
import { fullIndex, type Selection } from './selection.js';
import type { AttributionSettings } from './settings.js';
import { chooseTargets, parsePosition } from './targets.js';

/** A problem ready to be solved, what the report says about it, and how to let go of its sessions. */
export interface Prepared {
  readonly problem: Problem;
  readonly facts: ExplanationFacts;
  close(): Promise<void>;
}
