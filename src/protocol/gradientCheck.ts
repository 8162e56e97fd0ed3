/** One operator's gradients against central differences. */
export interface GradientCheckRow {
  /** Operator as the contract prints it: `Conv`, `com.microsoft:Gelu`. */
  readonly operator: string;
  readonly nodeCount: number;
  readonly status: 'passed' | 'failed' | 'no-gradient' | 'no-rule' | 'not-checked';
  /** Largest error relative to the tolerance's scale; null when nothing was compared. */
  readonly maxError: number | null;
  readonly checkedCount: number;
  /** Why it failed or was not checked. */
  readonly note: string;
}

/** The result of `gradient-check`. */
export interface GradientCheckTable {
  readonly rows: readonly GradientCheckRow[];
  readonly isPassed: boolean;
  /** Largest relative error that passes, and where it comes from. */
  readonly tolerance: number;
  /** The same for the row of the model as a whole, where the kinks of all layers add up. */
  readonly wholeModelTolerance: number;
  readonly warnings: readonly string[];
}
