/**
 * From the name of an mTLS certificate to what is presented to an origin, and whose server certificates are accepted
 * there. Compiled once a document: an account whose document did not change keeps its objects, and the TLS context on
 * them.
 */
import { constants, X509Certificate } from "node:crypto";
import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import type { EgressFailureCode, EnvironmentType } from "../../src/contract/egress.ts";
import type { AccountTrust, BundledMtlsCertificate } from "../../src/contract/trust-bundle.ts";

/** A certificate of a project that may be presented now, with everything that a connection depends on. */
export interface PresentableCertificate {
  readonly id: string;
  readonly version: string;
  readonly name: string;
  /** The end of its validity, for a person who has to be told */
  readonly validTo: Date;
  /** Made when it is first needed. @throws OpenSSL's error when certificate and key do not fit */
  secureContext(): SecureContext;
  /** Whether `other` would be the same on the wire: certificate, key, and accepted CAs */
  isSameAs(other: PresentableCertificate): boolean;
}

export type CertificateResult =
  | { ok: true; certificate: PresentableCertificate }
  | { ok: false; code: EgressFailureCode; reason: string; hint: string };

export type FindCertificate = (project: string, name: string) => CertificateResult;

/**
 * @param findAccount the account's present document
 * @returns for `account/project` and a name, the certificate as of now
 */
export function createCertificateFinder(
  findAccount: (name: string) => AccountTrust | undefined,
  environmentType: EnvironmentType,
): FindCertificate {
  const compiled = new WeakMap<AccountTrust, Map<string, Map<string, BundledCertificate>>>();

  return function findCertificate(projectPath, name) {
    const [account = "", project = ""] = projectPath.split("/");
    const document = findAccount(account);
    if (document === undefined) return notFound(name, projectPath);
    let projects = compiled.get(document);
    if (projects === undefined) {
      projects = compileDocument(document);
      compiled.set(document, projects);
    }
    const found = projects.get(project)?.get(name);
    if (found === undefined) return notFound(name, projectPath);
    return found.problemIn(environmentType) ?? { ok: true, certificate: found };
  };
}

function notFound(name: string, projectPath: string): CertificateResult {
  const [account, project] = projectPath.split("/");
  return {
    ok: false,
    code: "mtls_certificate_not_found",
    reason: `"${name}" is not an mTLS certificate of the project "${projectPath}"`,
    hint: `upload it: sallyport mtls-certificate create --name ${name} --cert client.pem --key client.key --environment-type … --account ${account} --project ${project}; or see what is there: sallyport mtls-certificate list`,
  };
}

function compileDocument(document: AccountTrust): Map<string, Map<string, BundledCertificate>> {
  const cas = Map.groupBy(document.originCaCertificates ?? [], ({ project }) => project);
  const own = Map.groupBy(document.mtlsCertificates ?? [], ({ project }) => project);
  return new Map(
    [...own].map(([project, certificates]) => {
      const originCas = (cas.get(project) ?? []).map(({ certificate }) => certificate);
      return [project, new Map(certificates.map((one) => [one.name, new BundledCertificate(one, originCas)]))];
    }),
  );
}

class BundledCertificate implements PresentableCertificate {
  readonly #bundled: BundledMtlsCertificate;
  /** PEM, beside the public roots */
  readonly #originCas: readonly string[];
  #context: SecureContext | undefined;

  constructor(bundled: BundledMtlsCertificate, originCas: readonly string[]) {
    this.#bundled = bundled;
    this.#originCas = originCas;
  }

  get id(): string {
    return this.#bundled.id;
  }

  get version(): string {
    return this.#bundled.version;
  }

  get name(): string {
    return this.#bundled.name;
  }

  get validTo(): Date {
    return new X509Certificate(this.#bundled.certificate).validToDate;
  }

  /** Undefined when it may be presented in an environment of that type */
  problemIn(environmentType: EnvironmentType): (CertificateResult & { ok: false }) | undefined {
    const { id, name, isDisabled, environmentTypes, privateKey } = this.#bundled;
    if (isDisabled) {
      return disabled(`"${name}" (${id}) is disabled`, id, [environmentType]);
    }
    if (!environmentTypes.includes(environmentType)) {
      const enabled = environmentTypes.join(", ") || "none";
      const reason = `"${name}" (${id}) is not enabled for ${environmentType} environments, it is for: ${enabled}`;
      return disabled(reason, id, [...environmentTypes, environmentType]);
    }
    if (privateKey !== undefined) return undefined;
    return {
      ok: false,
      code: "mtls_certificate_not_found",
      reason: `the private key of "${name}" (${id}) is not on this edge: it is kept in memory only, and the control plane did not send it`,
      hint: "bring the control plane back, with the SALLYPORT_MASTER_KEY that sealed the key; its log says what it could not decrypt",
    };
  }

  secureContext(): SecureContext {
    const { certificate, privateKey } = this.#bundled;
    this.#context ??= createSecureContext({
      cert: certificate,
      key: privateKey,
      minVersion: "TLSv1.2",
      // What Node trusts by itself, unless the project names CAs of its own: a list replaces Node's.
      ...(this.#originCas.length === 0 ? {} : { ca: [...getCACertificates("default"), ...this.#originCas] }),
      // A resumed session would stand for the certificate of the handshake that began it (see ingress/server-name.ts).
      secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    });
    return this.#context;
  }

  isSameAs(other: PresentableCertificate): boolean {
    if (other === this) return true;
    if (!(other instanceof BundledCertificate)) return false;
    const { id, version, certificate, privateKey } = this.#bundled;
    const theirs = other.#bundled;
    return (
      theirs.id === id &&
      theirs.version === version &&
      theirs.certificate === certificate &&
      theirs.privateKey === privateKey &&
      theirs.isDisabled === this.#bundled.isDisabled &&
      this.#originCas.length === other.#originCas.length &&
      this.#originCas.every((pem, index) => pem === other.#originCas[index])
    );
  }
}

function disabled(reason: string, id: string, types: readonly string[]): CertificateResult & { ok: false } {
  const flags = types.map((type) => `--environment-type ${type}`).join(" ");
  return {
    ok: false,
    code: "mtls_certificate_disabled",
    reason,
    hint: `enable it: sallyport mtls-certificate update --cert-id ${id} ${flags}`,
  };
}
