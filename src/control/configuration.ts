/**
 * What the control plane is given from outside: its bindings and variables. Variables are parsed here, once, and
 * nothing else reads `env`; a broken one answers every request with 500 rather than run with a guess.
 */
import { z } from "zod";
import { hostnameSchema } from "../contract/hostname.ts";
import { isMasterKey, MASTER_KEY_FORM } from "../contract/master-key.ts";
import type { EdgeNotifier } from "./edge/notifier.ts";

export interface ControlEnvironment {
  DB: D1Database;
  EDGE_NOTIFIER: DurableObjectNamespace<EdgeNotifier>;
  SALLYPORT_MANAGED_DOMAIN_BASE?: string;
  SALLYPORT_DNS_RESOLVER_URL?: string;
  SALLYPORT_BOOTSTRAP_ADMIN_KEY_SHA256?: string;
  SALLYPORT_MASTER_KEY?: string;
  SALLYPORT_PREVIOUS_MASTER_KEY?: string;
}

const masterKeySchema = z
  .string()
  .refine(isMasterKey, `expected are ${MASTER_KEY_FORM}`)
  .transform((text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0)))
  .optional();

const configurationSchema = z.object({
  /** Every project has the active domain `<project>.<account>.<base>`. */
  SALLYPORT_MANAGED_DOMAIN_BASE: hostnameSchema.default("localhost"),
  /** DNS over HTTPS in JSON form (`application/dns-json`), asked for the TXT records of custom domains. */
  SALLYPORT_DNS_RESOLVER_URL: z.url({ protocol: /^https?$/ }).default("https://cloudflare-dns.com/dns-query"),
  /**
   * Lower-case hex SHA-256 of the secret of the API key `spk_bootstrap_<secret>`, which has admin scope. It is how the
   * first key comes about; unset, there is no such key.
   */
  SALLYPORT_BOOTSTRAP_ADMIN_KEY_SHA256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** A secret: 32 bytes in base64, which private keys are encrypted under. Unset, none can be uploaded. */
  SALLYPORT_MASTER_KEY: masterKeySchema,
  /** The master key before this one, until `POST /v1/master-key/rewrap` has said that nothing needs it any more. */
  SALLYPORT_PREVIOUS_MASTER_KEY: masterKeySchema,
});

export interface Configuration {
  managedDomainBase: string;
  dnsResolverUrl: string;
  bootstrapAdminKeySha256: string | undefined;
  /** 32 bytes */
  masterKey: Uint8Array | undefined;
  previousMasterKey: Uint8Array | undefined;
}

const parsed = new WeakMap<ControlEnvironment, Configuration>();

/** @throws z.ZodError naming every variable that is wrong */
export function parseConfiguration(env: ControlEnvironment): Configuration {
  const known = parsed.get(env);
  if (known !== undefined) return known;
  const variables = configurationSchema.parse(env);
  const configuration = {
    managedDomainBase: variables.SALLYPORT_MANAGED_DOMAIN_BASE,
    dnsResolverUrl: variables.SALLYPORT_DNS_RESOLVER_URL,
    bootstrapAdminKeySha256: variables.SALLYPORT_BOOTSTRAP_ADMIN_KEY_SHA256,
    masterKey: variables.SALLYPORT_MASTER_KEY,
    previousMasterKey: variables.SALLYPORT_PREVIOUS_MASTER_KEY,
  };
  parsed.set(env, configuration);
  return configuration;
}
