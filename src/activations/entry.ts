import { type CompiledFunction, compile } from './evaluate.js';
import { derivativeOf } from './derivative.js';
import type { Expression } from './expression.js';
import { parseExpression } from './parse.js';

/** Where an activation was published or is specified. */
export interface ActivationSource {
  readonly title: string;
  /** Null for documentation that is kept up to date. */
  readonly year: number | null;
  readonly url: string;
}

/** A parameter and what it is unless a model says otherwise. */
export interface ActivationParameter {
  readonly name: string;
  readonly default: number;
}

/** An activation function: everything about it comes from the one expression. */
export interface ActivationEntry {
  /** Kebab-case; never changes. */
  readonly id: string;
  /** What it is called, the usual name first. */
  readonly names: readonly string[];
  /** As `parseExpression` reads it. */
  readonly formula: string;
  readonly parameters: readonly ActivationParameter[];
  readonly expression: Expression;
  readonly source: ActivationSource;
  /** The operator that computes it with its parameters as attributes or inputs: `Relu`, `com.microsoft:QuickGelu`. */
  readonly operator?: string;
}

/** What an entry is written as in the catalogue. */
export interface EntryText {
  readonly names: readonly string[];
  readonly formula: string;
  /** Defaults by name. */
  readonly parameters?: Readonly<Record<string, number>>;
  readonly source: ActivationSource;
  readonly operator?: string;
}

/** Returns entries as they are written, by id, with their formulas read. */
export function readEntries(texts: Readonly<Record<string, EntryText>>): ActivationEntry[] {
  return Object.entries(texts).map(([id, text]) => {
    const parameters = Object.entries(text.parameters ?? {}).map(([name, value]) => ({
      name,
      default: value,
    }));
    const names = parameters.map(({ name }) => name);
    return { ...text, id, parameters, expression: parseExpression(text.formula, names) };
  });
}

/** Returns the names of an entry's parameters, in the order that compiled functions take their values. */
export function parameterNames({ parameters }: Pick<ActivationEntry, 'parameters'>): string[] {
  return parameters.map(({ name }) => name);
}

/** Returns the defaults of an entry's parameters, in that order. */
export function defaultParameters({ parameters }: Pick<ActivationEntry, 'parameters'>): number[] {
  return parameters.map((parameter) => parameter.default);
}

/** An entry with its parameters filled in. */
export interface FilledActivation {
  readonly value: (x: number) => number;
  /** f′(x). */
  readonly slope: (x: number) => number;
}

/** Returns value and slope of an entry with these parameters; default its own. */
export function fill(
  entry: ActivationEntry,
  parameters: readonly number[] = defaultParameters(entry),
): FilledActivation {
  const names = parameterNames(entry);
  const value = compile(entry.expression, names);
  let slope: CompiledFunction | undefined;
  return {
    value: (x) => value(x, parameters),
    slope: (x) => (slope ??= compile(derivativeOf(entry.expression), names))(x, parameters),
  };
}
