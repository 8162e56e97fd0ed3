import assert from 'node:assert/strict';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { type DataType, dataTypeFacts } from '../../../src/onnx/dataTypes.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from '../../support/modelBuilder.js';

describe('floats of 8 bits', () => {
  it('decode every code as the runtime does', async () => {
    const codes = Uint8Array.from({ length: 256 }, (_, i) => i);
    for (const type of [
      'float8e4m3fn',
      'float8e4m3fnuz',
      'float8e5m2',
      'float8e5m2fnuz',
    ] as readonly DataType[]) {
      const builder = new GraphBuilder({ ...emptyModel(19), irVersion: 9 });
      const source = { kind: 'inline', bytes: codes } as const;
      builder.initializer({ name: 'codes', elementType: type, dims: [256], source });
      builder.addOutput(builder.cast('codes', dataTypeFacts('float32').code), floatType(256));
      const session = await createRuntime({ provider: 'cpu' }).open(builder.build());
      const [expected] = Object.values(await session.run({}));
      // As lists: typed arrays are compared by their bytes, and there are many NaNs.
      assert.deepEqual(
        [...toFloat64({ dtype: type, dims: [256], data: codes })],
        [...toFloat64(expected!)],
        type,
      );
      await session.close();
    }
  });

  it('decode the exponents and the eight magnitudes of the types that the runtime has no kernel for', () => {
    const decode = (dtype: DataType, ...data: number[]) => [
      ...toFloat64({ dtype, dims: [data.length], data: Uint8Array.from(data) }),
    ];
    // The ONNX standard's table of float4e2m1.
    assert.deepEqual(decode('float4e2m1', 0, 1, 2, 3, 4, 5, 6, 7, 15), [0, 0.5, 1, 1.5, 2, 3, 4, 6, -6]);
    assert.deepEqual(decode('float8e8m0', 0, 127, 128, 254, 255), [2 ** -127, 1, 2, 2 ** 127, NaN]);
  });
});
