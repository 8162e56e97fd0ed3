import { existsSync, readdirSync } from 'node:fs';
import type { Provider, ProviderChoice } from './session.js';

/** Providers that `auto` tries on each platform, fastest first. */
const autoOrder: Partial<Record<NodeJS.Platform, readonly Provider[]>> = {
  linux: ['cuda', 'webgpu', 'cpu'],
  win32: ['dml', 'cpu'],
  // Not coreml: it may compute in float16 and splits most rewritten graphs into many pieces.
  darwin: ['webgpu', 'cpu'],
};

/** Returns the providers to try for a choice, in order, of those this build of the runtime has. */
export function candidates(choice: ProviderChoice, bundled: readonly string[]): readonly Provider[] {
  if (choice !== 'auto') return [choice];
  const order = autoOrder[process.platform] ?? ['cpu'];
  return order.filter((provider) => provider === 'cpu' || (bundled.includes(provider) && hasGpu()));
}

/**
 * Says whether a real GPU is likely: WebGPU also runs on software drivers, which are slower than the CPU provider.
 *
 * On Linux a GPU shows as a device file. Elsewhere the platform's own driver is hardware.
 */
function hasGpu(): boolean {
  if (process.platform !== 'linux') return true;
  const forcedDriver = process.env['VK_DRIVER_FILES'] ?? process.env['VK_ICD_FILENAMES'] ?? '';
  if (/swiftshader|lvp|llvmpipe/i.test(forcedDriver)) return false;
  if (existsSync('/dev/nvidia0') || existsSync('/dev/dxg')) return true;
  try {
    return readdirSync('/dev/dri').some((name) => name.startsWith('renderD'));
  } catch {
    return false;
  }
}
