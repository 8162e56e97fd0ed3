import type { Model, ValueInfo, ValueType } from '../../onnx/model.js';
import { mapDimensions } from '../../onnx/shapes/declared.js';
import { publicDimension } from '../../onnx/shapes/dimensions.js';
import { inferTypes, type TypeTable } from '../../onnx/shapes/inferTypes.js';

/**
 * Returns the types of every value of a model to which nodes were appended, from what was known before.
 *
 * Known types (measured ones, say) stand in for declarations, so that what follows from them is known too.
 */
export function extendTypes(model: Model, known: TypeTable): TypeTable {
  const { graph } = model;
  const typed = (info: ValueInfo): ValueInfo => {
    const type = known.get(info.name);
    return type === undefined || type.kind === 'unknown' ? info : { ...info, type: declared(type) };
  };
  const valueInfo = new Map(graph.valueInfo);
  for (const [name, type] of known) {
    if (type.kind !== 'unknown') valueInfo.set(name, { name, type: declared(type), metadata: new Map() });
  }
  const inputs = graph.inputs.map(typed);
  return inferTypes({ ...model, graph: { ...graph, inputs, valueInfo } }, { keepsUnnamed: true });
}

/** Made-up names of unnamed sizes belong to the table they come from. */
function declared(type: ValueType): ValueType {
  return mapDimensions(type, publicDimension);
}
