/**
 * What the openssl program prints for names. `openssl verify` takes many files at once and prints the subject of each
 * certificate that fails, with any -nameopt: one process for hundreds of names.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodePem } from "../../src/x509/pem.ts";

/** Subjects as `-nameopt RFC2253` prints them, in order; throws when openssl cannot load one of the certificates. */
export function printSubjects(certificates: Uint8Array[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-x509-"));
  try {
    const files = certificates.map((der, index) => {
      const file = join(directory, `${index}.crt`);
      writeFileSync(file, encodePem("CERTIFICATE", der));
      return file;
    });
    const { stderr } = spawnSync("openssl", ["verify", "-no-CAfile", "-no-CApath", "-nameopt", "RFC2253", ...files], {
      encoding: "latin1",
      maxBuffer: 64 * 1024 * 1024,
    });
    const lines = stderr.split("\n");
    const subjects = lines.flatMap((line, index) =>
      line.startsWith("error 20 at 0 depth lookup") ? [lines[index - 1] ?? ""] : [],
    );
    if (subjects.length !== files.length) {
      throw new Error(`openssl printed ${subjects.length} of ${files.length} subjects: ${stderr.slice(-2000)}`);
    }
    return subjects;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The subject as `openssl x509 -nameopt compat` prints it; `verify` has another idea of that option. */
export function printLegacySubject(certificate: Uint8Array): string {
  const { stdout } = spawnSync("openssl", ["x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "compat"], {
    input: certificate,
    encoding: "latin1",
  });
  return stdout.slice("subject=".length, -1);
}

/** `openssl list -objects`: short name, long name and OID of every object that has an OID. */
export function listObjects(): { shortName: string; longName: string; oid: string }[] {
  const { stdout } = spawnSync("openssl", ["list", "-objects"], { encoding: "utf8" });
  return stdout.split("\n").flatMap((line) => {
    const match = /^(?<shortName>.+?) = (?:(?<longName>.+), )?(?<oid>[0-9.]+)$/.exec(line)?.groups;
    if (match?.shortName === undefined || match.oid === undefined) return [];
    return [{ shortName: match.shortName, longName: match.longName ?? match.shortName, oid: match.oid }];
  });
}
