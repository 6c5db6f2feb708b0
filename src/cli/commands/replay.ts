export async function runReplay(_: string, __: unknown): Promise<number> {
  return 0;
}
