/**
 * Server certificates of the edge's owner: `<host name>.pem` (leaf, then intermediates) and `<host name>.key` in a
 * directory, `*.example.com` standing for one label. Read again when something in the directory changes; a pair that
 * does not fit is said, and the last good one stays. At the start it stops the start.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { type FSWatcher, readdirSync, readFileSync, watch } from "node:fs";
import { basename, join } from "node:path";
import { parseHostname } from "../../src/contract/hostname.ts";
import type { ServerCertificate, ServerCertificates } from "./server-certificates.ts";

/** File systems that send no events, and events that come before the second file is written */
const POLL_INTERVAL_MS = 5_000;
const SETTLE_MS = 100;
const CERTIFICATE_ENDING = ".pem";

export interface CertificateDirectory extends ServerCertificates {
  close(): void;
}

/**
 * @param others for host names that have no file
 * @param onProblem called with each thing that is wrong with a changed directory, once
 * @throws TypeError when the directory cannot be read, or a pair in it does not fit
 */
export function openCertificateDirectory(
  path: string,
  others: ServerCertificates,
  onProblem: (message: string) => void,
): CertificateDirectory {
  let { certificates, problems } = readDirectory(path, new Map());
  if (problems.length > 0) throw new TypeError(problems.join("; "));
  let lastProblems = "";

  function readAgain(): void {
    ({ certificates, problems } = readDirectory(path, certificates));
    const text = problems.join("; ");
    if (text !== lastProblems && text !== "") onProblem(`${text}; the last good server certificates stay in use`);
    lastProblems = text;
  }

  let settling: NodeJS.Timeout | undefined;
  const watcher = watchIfPossible(path, () => {
    clearTimeout(settling);
    settling = setTimeout(readAgain, SETTLE_MS).unref();
  });
  const poll = setInterval(readAgain, POLL_INTERVAL_MS).unref();

  return {
    async forHostname(hostname) {
      const own = certificates.get(hostname) ?? certificates.get(hostname.replace(/^[^.]+/, "*"));
      return own ?? others.forHostname(hostname);
    },
    fallback: () => others.fallback(),
    close() {
      watcher?.close();
      clearInterval(poll);
      clearTimeout(settling);
    },
  };
}

function watchIfPossible(path: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(path, onChange).unref();
  } catch {
    return undefined;
  }
}

type Certificates = ReadonlyMap<string, ServerCertificate>;

/** An unchanged pair keeps its object, and the TLS context that hangs on it; one that is wrong keeps what it was. */
function readDirectory(path: string, before: Certificates): { certificates: Certificates; problems: string[] } {
  const certificates = new Map<string, ServerCertificate>();
  const problems: string[] = [];
  try {
    for (const name of readdirSync(path).filter((file) => file.endsWith(CERTIFICATE_ENDING))) {
      const hostname = basename(name, CERTIFICATE_ENDING);
      const known = before.get(hostname);
      const read = readPair(path, hostname);
      const current = typeof read === "string" ? known : isSame(read, known) ? known : read;
      if (typeof read === "string") problems.push(read);
      if (current !== undefined) certificates.set(hostname, current);
    }
    return { certificates, problems };
  } catch (cause) {
    return { certificates: before, problems: [`"${path}" cannot be read: ${(cause as Error).message}`] };
  }
}

function isSame(read: ServerCertificate, known: ServerCertificate | undefined): known is ServerCertificate {
  return known !== undefined && known.certificatePem === read.certificatePem && known.keyPem === read.keyPem;
}

/** The pair, or what is wrong with it. */
function readPair(directory: string, hostname: string): ServerCertificate | string {
  const [certificatePath, keyPath] = [CERTIFICATE_ENDING, ".key"].map((ending) =>
    join(directory, `${hostname}${ending}`),
  );
  if (parseHostname(hostname.replace(/^\*\./, "x.")) === undefined) {
    return `"${certificatePath}" is not named after a host, as api.example.com.pem`;
  }
  try {
    const certificatePem = readFileSync(certificatePath as string, "utf8");
    const keyPem = readFileSync(keyPath as string, "utf8");
    const leaf = new X509Certificate(certificatePem);
    if (!leaf.checkPrivateKey(createPrivateKey(keyPem))) {
      return `"${keyPath}" is not the private key of "${certificatePath}"`;
    }
    if (leaf.checkHost(hostname.replace(/^\*\./, "x.")) === undefined) {
      return `"${certificatePath}" is not a certificate for ${hostname}, it is for ${leaf.subjectAltName ?? "no host name"}`;
    }
    return { certificatePem, keyPem };
  } catch (cause) {
    return `"${certificatePath}" and its .key cannot be used: ${(cause as Error).message}`;
  }
}
