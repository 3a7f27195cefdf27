/** Many requests, a fixed number of them at once. */

/** @returns the results, in the order in which they were begun */
export async function inParallel<Result>(
  count: number,
  concurrency: number,
  run: (index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const work = async () => {
    while (next < count) {
      const index = next++;
      results[index] = await run(index);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return results;
}
