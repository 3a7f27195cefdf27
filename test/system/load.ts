/** Requests without a pause, while something happens to who answers them. */
import { expect } from "vitest";
import type { KeptAliveAnswer, KeptAliveClient } from "./kept-alive.ts";

const PATH = "/v1/example";

export interface Load {
  /** What was answered so far */
  bodies: Set<string>;
  /** @throws AssertionError when an answer was not 200 */
  end(): Promise<void>;
}

export function startLoad(client: KeptAliveClient, connections: number): Load {
  const bodies = new Set<string>();
  let isOver = false;
  const loops = Array.from({ length: connections }, async () => {
    while (!isOver) {
      const { status, body } = await client.get(PATH);
      expect({ status, body }).toMatchObject({ status: 200 });
      bodies.add(body);
    }
  });
  return {
    bodies,
    async end() {
      isOver = true;
      await Promise.all(loops);
    },
  };
}

/** Until the port is closed. Every answer before that is a 200: a request that was taken is answered. */
export async function requestUntilRefused(client: KeptAliveClient, connections: number): Promise<void> {
  const loops = Array.from({ length: connections }, async () => {
    for (;;) {
      const answer: KeptAliveAnswer | string = await client
        .get(PATH)
        .catch((error: NodeJS.ErrnoException) => error.code ?? "");
      // A new connection is refused once the port is closed; an idle one may be closed as a request goes out on it.
      if (typeof answer === "string") {
        expect(["ECONNREFUSED", "ECONNRESET"]).toContain(answer);
        return;
      }
      expect(answer.status).toBe(200);
    }
  });
  await Promise.all(loops);
}
