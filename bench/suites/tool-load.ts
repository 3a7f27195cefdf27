/** Load by a generator that is installed on the machine, as a sample of a table. */
import { readCpuMicroseconds } from "../measurement/cpu-time.ts";
import type { Sample } from "../measurement/sample.ts";
import type { LoadTool, ToolLoad } from "../processes/load-tools.ts";

/**
 * @param watched process ids whose CPU time is read, by the names that the table gives them. It is that from start to end of
 * the generator, which has no warm-up.
 */
export async function measureTool(
  tool: LoadTool,
  { measureMs, ...load }: Omit<ToolLoad, "seconds"> & { measureMs: number },
  watched: Record<string, readonly number[]> = {},
): Promise<Sample> {
  const seconds = Math.max(1, Math.round(measureMs / 1_000));
  const read = () => Object.entries(watched).map(([name, pids]) => [name, readAll(pids)] as const);
  const before = new Map(read());
  const perSecond = await tool.measure({ ...load, seconds });
  const operations = perSecond * seconds;
  const cpuMicroseconds: Record<string, number> = {};
  for (const [name, after] of read()) {
    const time = after - (before.get(name) ?? 0);
    if (!Number.isNaN(time)) cpuMicroseconds[name] = time / operations;
  }
  return { operations, seconds, cpuMicroseconds };
}

/** Not a number where the system does not tell. */
function readAll(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (readCpuMicroseconds(pid) ?? Number.NaN), 0);
}
