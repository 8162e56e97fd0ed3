import { UserError } from '../../base/errors.js';
import type { Model, ValueType } from '../../onnx/model.js';
import { int64Tensor, type TensorData, type TensorValue } from '../../onnx/tensorValue.js';
import type { Feeds, Runtime, Session } from '../runtime/session.js';
import { pieceModel, signatureOf } from './pieceModel.js';
import type { BranchPoint, BranchStep, LoopStep, Piece, Plan, ScanStep } from './plan.js';
import type { SplitModel } from './splitControlFlow.js';
import { rowOf, stacked } from './stackRows.js';

/** Hears which way a model goes. */
export type OnBranch = (point: BranchPoint, isTrue: boolean) => void;

/** Runs a model that was taken apart: its pieces in the runtime, what is between them here. */
export class PlanRunner {
  private readonly model: Model;
  private readonly split: SplitModel;
  private readonly runtime: Runtime;
  private readonly sessions = new Map<string, Session>();
  private readonly models = new Map<number, Model>();

  constructor(model: Model, split: SplitModel, runtime: Runtime) {
    this.model = model;
    this.split = split;
    this.runtime = runtime;
  }

  /** The pieces that have run, as models by their number. */
  get pieceModels(): ReadonlyMap<number, Model> {
    return this.models;
  }

  /**
   * Returns the model's outputs for these feeds.
   *
   * @throws UserError `value-not-passed` for values between pieces that are no tensors; what a session throws.
   */
  async run(
    feeds: Feeds,
    onBranch: OnBranch = () => undefined,
  ): Promise<Readonly<Record<string, TensorValue>>> {
    const values = await new Scope(this, undefined, onBranch).of(
      this.split.plan,
      new Map(Object.entries(feeds)),
    );
    return Object.fromEntries(
      this.model.graph.outputs.map(({ name }, index) => [name, given(values[index], name)]),
    );
  }

  /** Runs a piece on values of the scopes around it; opened anew for other types or ranks. */
  async runPiece(piece: Piece, feeds: Feeds): Promise<Readonly<Record<string, TensorValue>>> {
    const key = `${String(piece.id)} ${signatureOf(piece, feeds)}`;
    let session = this.sessions.get(key);
    if (session === undefined) {
      const model = pieceModel(this.model, piece, feeds);
      session = await this.runtime.open(model);
      this.sessions.set(key, session);
      if (!this.models.has(piece.id)) this.models.set(piece.id, model);
    }
    return session.run(feeds, piece.outputs);
  }

  /** Type of a value that a loop collects, for one that never runs. */
  collectedType(name: string): ValueType | undefined {
    return this.model.graph.valueInfo.get(name)?.type;
  }

  async close(): Promise<void> {
    for (const session of this.sessions.values()) await session.close();
    this.sessions.clear();
  }
}

/** The values of one graph while it runs, and those around it. */
class Scope {
  private values: Map<string, TensorValue> = new Map();
  private readonly runner: PlanRunner;
  private readonly around: Scope | undefined;
  private readonly onBranch: OnBranch;

  constructor(runner: PlanRunner, around: Scope | undefined, onBranch: OnBranch) {
    this.runner = runner;
    this.around = around;
    this.onBranch = onBranch;
  }

  async of(plan: Plan, values: Map<string, TensorValue>): Promise<readonly TensorValue[]> {
    this.values = values;
    for (const step of plan.steps) {
      switch (step.kind) {
        case 'piece': {
          const feeds = Object.fromEntries(step.piece.inputs.map((name) => [name, this.value(name)]));
          const made = await this.runner.runPiece(step.piece, feeds);
          for (const [name, value] of Object.entries(made)) this.values.set(name, value);
          break;
        }
        case 'branch':
          this.bind(step.outputs, await this.branch(step));
          break;
        case 'loop':
          this.bind(step.outputs, await this.loop(step));
          break;
        case 'scan':
          this.bind(step.outputs, await this.scan(step));
          break;
      }
    }
    return plan.results.map((name) => this.value(name));
  }

  private async branch(step: BranchStep): Promise<readonly TensorValue[]> {
    const isTrue = isSet(this.value(step.condition));
    this.onBranch(step.point, isTrue);
    return this.inner(isTrue ? step.whenTrue : step.whenFalse, new Map());
  }

  private async loop(step: LoopStep): Promise<readonly TensorValue[]> {
    const most = step.tripCount === '' ? Infinity : Number(this.value(step.tripCount).data[0]);
    let goesOn = step.condition === '' || isSet(this.value(step.condition));
    let carried = step.initial.map((name) => this.value(name));
    const collected: TensorValue[][] = [];
    for (let count = 0; count < most && goesOn; count++) {
      const going: TensorValue = { dtype: 'bool', dims: [], data: Uint8Array.of(1) };
      const inputs = [int64Tensor([count], []), going, ...carried];
      const [next, ...made] = await this.inner(step.body, bound(step.bodyInputs, inputs));
      goesOn = isSet(given(next, 'the condition of a loop'));
      carried = made.slice(0, carried.length);
      collected.push(made.slice(carried.length));
    }
    return [...carried, ...this.collect(collected, step.outputs.slice(carried.length))];
  }

  private async scan(step: ScanStep): Promise<readonly TensorValue[]> {
    const rows = step.rows.map((name) => this.value(name));
    let states = step.initial.map((name) => this.value(name));
    const collected: TensorValue[][] = [];
    for (let index = 0; index < (rows[0]?.dims[0] ?? 0); index++) {
      const inputs = [...states, ...rows.map((value) => rowOf(value, index))];
      const made = await this.inner(step.body, bound(step.bodyInputs, inputs));
      states = made.slice(0, states.length);
      collected.push(made.slice(states.length));
    }
    return [...states, ...this.collect(collected, step.outputs.slice(states.length))];
  }

  private collect(collected: readonly (readonly TensorValue[])[], names: readonly string[]): TensorValue[] {
    return names.map((name, index) => {
      const parts = collected.map((one) => given(one[index], name));
      return parts.length === 0 ? nothing(this.runner.collectedType(name)) : stacked(parts);
    });
  }

  private inner(plan: Plan, values: Map<string, TensorValue>): Promise<readonly TensorValue[]> {
    return new Scope(this.runner, this, this.onBranch).of(plan, values);
  }

  private bind(names: readonly string[], values: readonly TensorValue[]): void {
    for (const [index, name] of names.entries()) {
      if (name !== '') this.values.set(name, given(values[index], name));
    }
  }

  private value(name: string): TensorValue {
    const found = this.values.get(name) ?? this.around?.value(name);
    return given(found, name);
  }
}

function bound(names: readonly string[], values: readonly TensorValue[]): Map<string, TensorValue> {
  return new Map(
    names.flatMap((name, index) => (values[index] === undefined ? [] : [[name, values[index]]])),
  );
}

function isSet({ data }: TensorValue): boolean {
  return Number(data[0]) !== 0;
}

/** A loop that never ran: no rows, of the sizes that are declared. */
function nothing(type: ValueType | undefined): TensorValue {
  const shape = type?.kind === 'tensor' ? (type.shape ?? []) : [];
  const rest = shape.slice(1).map((size) => (typeof size === 'number' ? size : 0));
  const data: TensorData = new Float32Array(0);
  return { dtype: 'float32', dims: [0, ...rest], data };
}

function given(value: TensorValue | undefined, name: string): TensorValue {
  if (value !== undefined) return value;
  throw new UserError(
    'value-not-passed',
    `The value "${name}" cannot be handed from one piece of the model to another: it is left out or no tensor.`,
    { detail: { value: name } },
  );
}
