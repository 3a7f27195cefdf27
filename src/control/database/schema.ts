/**
 * The tables of the control plane. What must hold is said here, as keys and constraints, because only the database
 * sees two requests that arrive at once. After a change:
 * `drizzle-kit generate --dialect sqlite --schema src/control/database/schema.ts --out src/control/migrations`
 */
import { sql } from "drizzle-orm";
import { foreignKey, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { EnvironmentType } from "../../contract/egress.ts";

/** ISO 8601, UTC: sorts as text, and reads the same in the database and in the API. */
const createdAt = () => text("created_at").notNull();

/** One row, made by a migration: see version.ts. */
export const revision = sqliteTable("revision", {
  id: integer("id").primaryKey(),
  counter: integer("counter").notNull(),
  nonce: text("nonce").notNull(),
});

export const accounts = sqliteTable("accounts", {
  name: text("name").primaryKey(),
  /** The revision of the last write that changed this account's trust document */
  version: text("version").notNull(),
  createdAt: createdAt(),
});

const account = () =>
  text("account")
    .notNull()
    .references(() => accounts.name);

export const projects = sqliteTable(
  "projects",
  { account: account(), name: text("name").notNull(), createdAt: createdAt() },
  (table) => [primaryKey({ columns: [table.account, table.name] })],
);

export const apiKeys = sqliteTable(
  "api_keys",
  {
    id: text("id").primaryKey(),
    scope: text("scope", { enum: ["admin", "account", "edge"] }).notNull(),
    /** Null for the scopes that belong to no account */
    account: text("account").references(() => accounts.name),
    name: text("name").notNull(),
    /** Lower-case hex. A plain hash is enough, since the secret is 256 random bits and not a password. */
    secretSha256: text("secret_sha256").notNull(),
    createdAt: createdAt(),
  },
  (table) => [index("api_keys_by_account").on(table.account, table.createdAt, table.id)],
);

export const caCertificates = sqliteTable(
  "ca_certificates",
  {
    id: text("id").primaryKey(),
    account: account(),
    name: text("name").notNull(),
    /** PEM, encoded anew from the DER: nothing of an uploaded file but its one certificate is kept */
    certificate: text("certificate").notNull(),
    subject: text("subject").notNull(),
    issuer: text("issuer").notNull(),
    serialNumber: text("serial_number").notNull(),
    notBefore: text("not_before").notNull(),
    notAfter: text("not_after").notNull(),
    keyType: text("key_type").notNull(),
    /** Hex, empty without the extension */
    subjectKeyId: text("subject_key_id").notNull(),
    sha256Fingerprint: text("sha256_fingerprint").notNull(),
    createdAt: createdAt(),
    updatedAt: text("updated_at").notNull(),
  },
  (table) => [
    uniqueIndex("ca_certificates_name").on(table.account, table.name),
    uniqueIndex("ca_certificates_fingerprint").on(table.account, table.sha256Fingerprint),
    index("ca_certificates_by_account").on(table.account, table.createdAt, table.id),
    index("ca_certificates_by_subject").on(table.account, table.subject),
  ],
);

export const customDomains = sqliteTable(
  "custom_domains",
  {
    id: text("id").primaryKey(),
    account: text("account").notNull(),
    project: text("project").notNull(),
    hostname: text("hostname").notNull(),
    status: text("status", { enum: ["pending", "active"] }).notNull(),
    verificationToken: text("verification_token").notNull(),
    createdAt: createdAt(),
    verifiedAt: text("verified_at"),
  },
  (table) => [
    foreignKey({ columns: [table.account, table.project], foreignColumns: [projects.account, projects.name] }),
    uniqueIndex("custom_domains_claim").on(table.account, table.hostname),
    // A claim blocks nobody; only the one that was proven does.
    uniqueIndex("custom_domains_owner").on(table.hostname).where(sql`status = 'active'`),
    index("custom_domains_by_account").on(table.account, table.createdAt, table.id),
    index("custom_domains_by_project").on(table.account, table.project),
  ],
);

export const deployments = sqliteTable(
  "deployments",
  {
    account: text("account").notNull(),
    project: text("project").notNull(),
    environment: text("environment").notNull(),
    environmentType: text("environment_type", { enum: ["development", "preview", "production"] }).notNull(),
    buildId: text("build_id").notNull(),
    mtlsCertificateNames: text("mtls_certificate_names", { mode: "json" }).$type<string[]>().notNull(),
    createdAt: createdAt(),
    updatedAt: text("updated_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.account, table.project, table.environment] }),
    foreignKey({ columns: [table.account, table.project], foreignColumns: [projects.account, projects.name] }),
  ],
);

const project = () => text("project").notNull();

/** What is shown of a certificate, beside it: see certificate-upload.ts. */
const certificateColumns = () => ({
  subject: text("subject").notNull(),
  issuer: text("issuer").notNull(),
  serialNumber: text("serial_number").notNull(),
  notBefore: text("not_before").notNull(),
  notAfter: text("not_after").notNull(),
  keyType: text("key_type").notNull(),
  sha256Fingerprint: text("sha256_fingerprint").notNull(),
});

export const mtlsCertificates = sqliteTable(
  "mtls_certificates",
  {
    id: text("id").primaryKey(),
    account: text("account").notNull(),
    project: project(),
    name: text("name").notNull(),
    /** Drawn anew with every certificate that is uploaded under this id */
    version: text("version").notNull(),
    environmentTypes: text("environment_types", { mode: "json" }).$type<EnvironmentType[]>().notNull(),
    isDisabled: integer("is_disabled", { mode: "boolean" }).notNull(),
    /** PEM, encoded anew: leaf, then intermediates in order */
    certificate: text("certificate").notNull(),
    ...certificateColumns(),
    /** Base64; what the three are is said in sealed-key.ts */
    sealedPrivateKey: text("sealed_private_key").notNull(),
    wrappedDataKey: text("wrapped_data_key").notNull(),
    masterKeyId: text("master_key_id").notNull(),
    createdAt: createdAt(),
    updatedAt: text("updated_at").notNull(),
  },
  (table) => [
    foreignKey({ columns: [table.account, table.project], foreignColumns: [projects.account, projects.name] }),
    uniqueIndex("mtls_certificates_name").on(table.account, table.project, table.name),
    uniqueIndex("mtls_certificates_fingerprint").on(table.account, table.project, table.sha256Fingerprint),
    index("mtls_certificates_by_project").on(table.account, table.project, table.createdAt, table.id),
    index("mtls_certificates_by_account").on(table.account, table.createdAt, table.id),
    index("mtls_certificates_by_master_key").on(table.masterKeyId, table.account, table.id),
  ],
);

/** Private CAs whose server certificates the egress accepts for a project's origins. */
export const originCas = sqliteTable(
  "origin_cas",
  {
    id: text("id").primaryKey(),
    account: text("account").notNull(),
    project: project(),
    name: text("name").notNull(),
    /** PEM, encoded anew */
    certificate: text("certificate").notNull(),
    ...certificateColumns(),
    createdAt: createdAt(),
  },
  (table) => [
    foreignKey({ columns: [table.account, table.project], foreignColumns: [projects.account, projects.name] }),
    uniqueIndex("origin_cas_name").on(table.account, table.project, table.name),
    uniqueIndex("origin_cas_fingerprint").on(table.account, table.project, table.sha256Fingerprint),
    index("origin_cas_by_project").on(table.account, table.project, table.createdAt, table.id),
    index("origin_cas_by_account").on(table.account, table.createdAt, table.id),
  ],
);

/** Who did what, when. Rows are only ever added. */
export const auditLog = sqliteTable(
  "audit_log",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    at: text("at").notNull(),
    /** Null for what concerns no account: edge and admin keys */
    account: text("account"),
    actorKeyId: text("actor_key_id").notNull(),
    actorScope: text("actor_scope").notNull(),
    /** `ca-certificate.create` */
    action: text("action").notNull(),
    /** Never null: writes to things that are gone fail here, and take their whole transaction with them (commit.ts) */
    target: text("target").notNull(),
    detail: text("detail", { mode: "json" }).$type<Record<string, string>>().notNull(),
  },
  (table) => [index("audit_log_by_account").on(table.account, table.id)],
);
