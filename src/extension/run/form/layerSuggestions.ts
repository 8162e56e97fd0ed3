import * as vscode from 'vscode';
import { UserError } from '../../../base/errors.js';
import { formatAddress, formatName } from '../../../onnx/addressGrammar.js';
import { resolveAddress } from '../../../onnx/addresses.js';
import type { SettingsSchema, SettingValues } from '../../../protocol/settings.js';
import type { AddressTable } from '../../../protocol/structure.js';
import type { LayerSuggestion } from '../../../protocol/views/runMessages.js';

/** Returns the layers that a setting may name; scopes only where they are layers of their own. */
export function layerSuggestions({ layers }: AddressTable): LayerSuggestion[] {
  return layers
    .filter(({ isInBody }) => !isInBody)
    .map(({ name, operator, kind, unitCount }) => {
      const what = operator === '' ? kind : operator;
      return {
        name: formatName(name),
        address: unitCount === null ? null : formatAddress({ layer: name, unit: 0 }),
        detail: unitCount === null ? what : vscode.l10n.t('{0} · {1} units', what, unitCount),
      };
    });
}

/** Returns what is wrong with the addresses and layers that settings name, by key. */
export function addressProblems(
  settings: SettingValues,
  schema: SettingsSchema,
  addresses: AddressTable,
): Record<string, string> {
  const problems: Record<string, string> = {};
  for (const [key, value] of Object.entries(settings)) {
    const setting = schema[key];
    const isPlace = setting?.kind === 'text' && (setting.format === 'address' || setting.format === 'layer');
    const problem = isPlace && typeof value === 'string' ? problemWith(value, addresses) : undefined;
    if (problem !== undefined) problems[key] = problem;
  }
  return problems;
}

function problemWith(address: string, addresses: AddressTable): string | undefined {
  try {
    resolveAddress(address, addresses);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}
