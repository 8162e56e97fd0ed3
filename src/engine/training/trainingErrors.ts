import { UserError } from '../../base/errors.js';

/** Returns the error for a loss expression that does not parse. */
export function malformedExpression(text: string, at: number, reason: string): UserError {
  return new UserError(
    'malformed-expression',
    `The loss expression "${text}" cannot be read at character ${at + 1}: ${reason}. Write it like mean(square(output - targets)).`,
    { detail: { text, at } },
  );
}

/** Returns the error for a loss expression that names something the model does not have. */
export function unknownInExpression(text: string, name: string, known: readonly string[]): UserError {
  return new UserError(
    'unknown-value',
    `The loss expression "${text}" reads "${name}", and neither the model nor the targets have it. Values and targets are, among others, ${known.slice(0, 12).join(', ')}; names with other characters than letters, digits, _ and . stand in double quotes.`,
    { detail: { text, name } },
  );
}

/** Returns the error for a parameter that cannot be trained as it is. */
export function notTrainable(parameter: string, reason: string): UserError {
  return new UserError(
    'not-trainable',
    `"${parameter}" cannot be trained: ${reason}. Leave it out of the parameters.`,
    { detail: { parameter } },
  );
}

/** Returns the error for a checkpoint that belongs to another training. */
export function checkpointMismatch(reason: string): UserError {
  return new UserError(
    'checkpoint-mismatch',
    `Training cannot go on from this checkpoint: ${reason}. Resume with the model, optimiser, data and batch size it was made with.`,
  );
}

/** Returns the error for bytes that are no checkpoint. */
export function malformedCheckpoint(reason: string): UserError {
  return new UserError(
    'malformed-checkpoint',
    `This is not a whole checkpoint: ${reason}. Choose a file that training wrote.`,
  );
}
