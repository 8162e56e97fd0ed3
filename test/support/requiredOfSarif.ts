import { Type } from '@sinclair/typebox';

const message = Type.Object({ text: Type.String({ minLength: 1 }) });

const location = Type.Object({
  physicalLocation: Type.Object({
    artifactLocation: Type.Object({ uri: Type.String({ minLength: 1 }) }),
    region: Type.Optional(Type.Object({ startLine: Type.Integer({ minimum: 1 }) })),
  }),
  logicalLocations: Type.Optional(Type.Array(Type.Object({ fullyQualifiedName: Type.String() }))),
});

/**
 * What the schema of SARIF 2.1.0 requires of the parts that we write, said again from the standard: sections 3.13 (log), 3.14 (run),
 * 3.18 (tool), 3.20 (invocation), 3.27 (result), 3.28 (location), 3.30.5 (lines count from 1), 3.49 (rules).
 *
 * Source: OASIS (2020), "Static Analysis Results Interchange Format (SARIF) Version 2.1.0",
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export const requiredOfSarif = Type.Object({
  version: Type.Literal('2.1.0'),
  runs: Type.Array(
    Type.Object({
      tool: Type.Object({
        driver: Type.Object({
          name: Type.String({ minLength: 1 }),
          rules: Type.Array(Type.Object({ id: Type.String({ minLength: 1 }), shortDescription: message })),
        }),
      }),
      invocations: Type.Array(Type.Object({ executionSuccessful: Type.Boolean() })),
      results: Type.Array(
        Type.Object({
          ruleId: Type.String(),
          ruleIndex: Type.Integer({ minimum: 0 }),
          level: Type.Union(['none', 'note', 'warning', 'error'].map((level) => Type.Literal(level))),
          message,
          locations: Type.Array(location, { minItems: 1 }),
        }),
      ),
    }),
    { minItems: 1 },
  ),
});
