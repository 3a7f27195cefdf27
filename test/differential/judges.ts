/** The judges of a chain that every machine with npm, curl and openssl has; nginx is asked by test/interop. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCertificateFile } from "../../cli/explain/client-certificate-file.ts";
import { explainCertificate } from "../../cli/explain/explain.ts";
import { CliError } from "../../cli/output.ts";
import { compileCaSet } from "../../edge-shim/trust/trust-store.ts";
import { type Answer, ask } from "../edge/harness/client.ts";
import { startTestEdge } from "../edge/harness/edge.ts";
import { type Accounts, createBundle } from "../edge/harness/trust.ts";
import type { Judgement } from "./agreement.ts";
import type { CorpusEntry } from "./corpus.ts";

export interface Judge extends AsyncDisposable {
  judge(entry: CorpusEntry): Promise<Judgement>;
}

/** A test client may hold what the library would not use by itself: the server has to judge it, not the client. */
export const LENIENT_CLIENT = { ciphers: "DEFAULT:@SECLEVEL=0" };

/** A whole TLS handshake, and the verdict in the assertion on the request that follows. */
export async function createEdgeJudge(corpus: readonly CorpusEntry[]): Promise<Judge> {
  const accounts: Accounts = Object.fromEntries(
    corpus.map(({ hostname, roots }) => [hostname, { domains: [hostname], caCertificates: roots }]),
  );
  const edge = await startTestEdge({ accounts });
  return {
    async judge({ hostname, identity }) {
      let answer: Answer;
      try {
        answer = await ask(edge, { hostname, identity, tls: LENIENT_CLIENT });
      } catch {
        return "UNPRESENTED";
      }
      const { certVerified } = (await edge.readAssertion(answer.seen().headers)).tlsClientAuth;
      return certVerified === "NONE" ? "UNPRESENTED" : (certVerified as Judgement);
    },
    [Symbol.asyncDispose]: () => edge[Symbol.asyncDispose](),
  };
}

/** `openssl verify`, at the security level that TLS has by default. */
export async function createOpensslJudge(): Promise<Judge> {
  const directory = await mkdtemp(join(tmpdir(), "sallyport-differential-"));
  let folders = 0;
  return {
    async judge({ identity, roots }) {
      const folder = join(directory, String(++folders));
      await mkdir(folder);
      const write = async (name: string, text: string) => {
        await writeFile(join(folder, name), text);
        return join(folder, name);
      };
      const [leaf = "", ...others] = identity.chainPem.split(/(?=-----BEGIN )/);
      const uploaded = Object.values(roots).map(({ certificatePem }) => certificatePem);
      const trust = uploaded.length === 0 ? ["-no-CAfile"] : ["-CAfile", await write("roots.pem", uploaded.join(""))];
      const chain = others.length === 0 ? [] : ["-untrusted", await write("chain.pem", others.join(""))];
      return verify([...trust, ...chain, await write("leaf.pem", leaf)]);
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

const OPTIONS = ["verify", "-purpose", "sslclient", "-auth_level", "2", "-no-CApath", "-no-CAstore"];

function verify(args: string[]): Promise<Judgement> {
  return new Promise((resolve) => {
    execFile("openssl", [...OPTIONS, ...args], (error, _stdout, stderr) => {
      const reasons = [...stderr.matchAll(/^error \d+ at \d+ depth lookup: (.*)$/gm)].map(([, reason]) => reason);
      if (error === null) resolve("SUCCESS");
      else resolve(reasons.length === 0 ? "UNREADABLE" : `FAILED:${reasons.join("; ")}`);
    });
  });
}

/** `sallyport explain`, in this process and without its command line. */
export function createExplainJudge(): Judge {
  return {
    async judge({ hostname, identity, roots }) {
      const [account] = createBundle({ [hostname]: { domains: [hostname], caCertificates: roots } }).accounts;
      if (account === undefined) throw new TypeError(`"${hostname}" is no account`);
      const trust = { account: hostname, domain: hostname, isDomainActive: true, domains: [] };
      try {
        const file = parseCertificateFile(Buffer.from(identity.chainPem), "client.pem");
        const explanation = await explainCertificate(file, { ...trust, caSet: compileCaSet(account) }, Date.now());
        return explanation.verified ? "SUCCESS" : `FAILED:${explanation.reason}`;
      } catch (error) {
        if (error instanceof CliError) return "UNREADABLE";
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}
