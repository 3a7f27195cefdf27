/** What passes between the table, in Node, and the vitest worker pool, in workerd. */

/** A request as the edge would forward it, but for its assertion. */
export interface PoolCase {
  name: string;
  method: "GET" | "POST" | "HEAD";
  path: string;
  headers: [name: string, value: string][];
  body?: string;
  client: PoolClient | undefined;
}

export interface PoolClient {
  /** PEM, the leaf first */
  chainPem: string;
  certVerified: "SUCCESS" | `FAILED:${string}`;
  /** Names of uploaded CA certificates */
  caCertificates: string[];
}

export interface PoolAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

declare module "vitest" {
  interface ProvidedContext {
    poolCases: PoolCase[];
  }
  interface TaskMeta {
    poolAnswer?: PoolAnswer;
  }
}
