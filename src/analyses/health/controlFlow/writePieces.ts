import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Piece, Plan, PlanStep } from '../../../engine/straightLine/plan.js';
import { writeModel } from '../../../onnx/writeModel.js';
import type { ControlFlowFigures } from './measureControlFlow.js';

/**
 * Writes the pieces that ran as models of their own and `plan.json`, which says what a host does between them; returns the files.
 *
 * A piece of a branch that no sample took has no types and is named in the plan only.
 */
export async function writePieces(
  { split, pieceModels }: ControlFlowFigures,
  folder: string,
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  for (const [id, model] of pieceModels) {
    files.push(pieceFile(id));
    await writeModel(model, join(folder, pieceFile(id)));
  }
  const plan = describedPlan(split.plan, (piece) => pieceModels.has(piece.id));
  await writeFile(join(folder, 'plan.json'), `${JSON.stringify(plan, null, 2)}\n`);
  return [...files, 'plan.json'];
}

/** Returns the file of a piece. */
export function pieceFile(id: number): string {
  return `piece-${String(id)}.onnx`;
}

function describedPlan({ steps, results }: Plan, isWritten: (piece: Piece) => boolean): object {
  return { steps: steps.map((step) => describedStep(step, isWritten)), results };
}

function describedStep(step: PlanStep, isWritten: (piece: Piece) => boolean): object {
  switch (step.kind) {
    case 'piece': {
      const { id, inputs, outputs } = step.piece;
      return { run: isWritten(step.piece) ? pieceFile(id) : null, inputs, outputs };
    }
    case 'branch':
      return {
        ...{ if: step.condition, name: step.point.name, outputs: step.outputs },
        then: describedPlan(step.whenTrue, isWritten),
        else: describedPlan(step.whenFalse, isWritten),
      };
    case 'loop':
    case 'scan': {
      const { kind, body, ...rest } = step;
      return { [kind]: rest, body: describedPlan(body, isWritten) };
    }
  }
}
