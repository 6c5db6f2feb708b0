type Koffi = typeof import('koffi')['default'];

/** Stack of a thread that runs llama.cpp: what a thread has by default. koffi's 128 KiB do not suffice for GPU drivers. */
const STACK_BYTES = 8 * 2 ** 20;

/**
 * Has koffi give its threads such a stack. To be called by whoever loads a library through it: koffi refuses to change
 * this once any is loaded.
 * @returns false where somebody was here before, with smaller stacks
 */
export function reserveStack(koffi: Koffi): boolean {
  const { async_stack_size = 0, sync_stack_size = 0, ...rest } = koffi.config();
  if (Math.min(async_stack_size, sync_stack_size) >= STACK_BYTES) return true;
  try {
    koffi.config({
      ...rest,
      sync_stack_size: STACK_BYTES,
      async_stack_size: STACK_BYTES,
      resident_async_pools: 2,
    });
    return true;
  } catch {
    return false;
  }
}
