import type { LayerTable } from './layers/layer.js';
import { layersOf } from './layers/layerTable.js';
import type { Model } from './model.js';
import { inferTypes } from './shapes/inferTypes.js';
import { type StoredConstant, storedConstants } from './storedConstants.js';
import type { TypeTable } from './shapes/typeTable.js';

/** A model that was read, with what follows from it: each part is worked out on first use and kept. */
export interface OpenedModel {
  readonly model: Model;
  /** Inferred types. */
  readonly types: TypeTable;
  readonly layers: LayerTable;
  readonly constants: readonly StoredConstant[];
}

/** Returns a model with what follows from it, nothing worked out yet. */
export function openedModel(model: Model): OpenedModel {
  let types: TypeTable | undefined;
  let layers: LayerTable | undefined;
  let constants: readonly StoredConstant[] | undefined;
  return {
    model,
    get types() {
      types ??= inferTypes(model);
      return types;
    },
    get layers() {
      layers ??= layersOf(model, this.types);
      return layers;
    },
    get constants() {
      constants ??= storedConstants(this.layers);
      return constants;
    },
  };
}
