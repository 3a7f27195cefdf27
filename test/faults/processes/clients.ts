/** What the clients of a stand are given, and what they tell. */

export interface ClientsInput {
  /** The edge's */
  port: number;
  /** PEM of the CA that the edge's server certificates come from */
  caPem: string;
  /** SNI and Host */
  hostname: string;
  /** One kept-alive connection each, and new ones by turns */
  verified: VerifiedIdentity[];
  /** Issued by somebody else's CA of the same name */
  rogue: PresentedIdentity;
}

export interface PresentedIdentity {
  /** PEM */
  cert: string;
  key: string;
}

export interface VerifiedIdentity extends PresentedIdentity {
  /** As the edge prints it: an answer with another one was meant for somebody else */
  subject: string;
}

/** How many, by what they were */
export type Counts = Record<string, number>;

/** Everything since the last report. */
export interface ClientsReport {
  seconds: number;
  /** Requests of verified clients whose whole, right answer came */
  answered: number;
  /** Other requests of theirs */
  failed: Counts;
  /** From sending a request to the end of its answer, of those that were answered; NaN without any */
  latencyMs: { p50: number; p99: number };
  /** Answered in the whole second with the fewest; undefined when there was none */
  leastInASecond: number | undefined;
  /** New connections of verified clients */
  handshakes: { made: number; failed: Counts };
  /** What unverified clients were told, and how often they were told nothing */
  strangers: Counts;
  /** What must never be: half an answer or another client's taken for one's own, a stranger's SUCCESS, … */
  wrong: string[];
}
