/** Certificates for servers that read them from files. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** PEM of a party in a TLS handshake, and of the CA that the other side's certificate has to come from. */
export interface TlsParty {
  cert: string;
  key: string;
  ca: string;
}

/** @returns the paths, by the same names */
export function writeTlsFiles(directory: string, { cert, key, ca }: TlsParty): TlsParty {
  const write = (name: string, pem: string) => {
    const path = join(directory, name);
    writeFileSync(path, pem, { mode: 0o600 });
    return path;
  };
  return { cert: write("cert.pem", cert), key: write("key.pem", key), ca: write("ca.pem", ca) };
}
