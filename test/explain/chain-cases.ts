/** Chains and their authorities: what stands between the leaf and an uploaded CA certificate. */

import { createSelfSignedCertificate } from "../../fixtures/pki/certificate-authority.ts";
import { flipSignatureBit } from "../../fixtures/pki/damage.ts";

import { behind, issueUnder, leaf, type Rows, send, under } from "./case.ts";

export const CHAINS: Rows = {
  "behind an intermediate": [under("intermediate")],
  "behind two intermediates": [under("second")],
  "intermediates in the wrong order": [
    async ({ second, intermediate }) => send(await issueUnder(second), intermediate, second),
  ],
  "intermediates with the root and strangers among them": [
    async ({ second, intermediate, root, rogue, other }) =>
      send(await issueUnder(second), root, rogue, intermediate, other, second),
  ],
  "the root sent along": [async ({ root }) => send(await issueUnder(root), root)],
  "the leaf twice": [
    async ({ root }) => {
      const client = await issueUnder(root);
      return send(client, client);
    },
  ],
  "an intermediate twice": [
    async ({ intermediate }) => send(await issueUnder(intermediate), intermediate, intermediate),
  ],
  "another client's certificate appended": [
    async ({ root }) => send(await issueUnder(root), await issueUnder(root, { subject: "CN=somebody" })),
  ],
  "a path of ten": [
    async ({ root }) => {
      let authority = root;
      for (let depth = 0; depth < 9; depth++) {
        authority = await authority.issueIntermediate({ subject: `CN=ca-${depth}` });
      }
      return issueUnder(authority);
    },
  ],
  "32 strangers": [async ({ root, rogue }) => send(await issueUnder(root), ...Array.from({ length: 32 }, () => rogue))],
  "33 strangers": [
    async ({ root, rogue }) => send(await issueUnder(root), ...Array.from({ length: 33 }, () => rogue)),
    "chain",
  ],
  "a missing intermediate": [async ({ intermediate }) => send(await issueUnder(intermediate)), "chain"],
  "the upper of two intermediates missing": [async ({ second }) => send(await issueUnder(second), second), "chain"],
  "the lower of two intermediates missing": [
    async ({ second, intermediate }) => send(await issueUnder(second), intermediate),
    "chain",
  ],
  "the wrong intermediate": [
    async ({ intermediate, rogue }) =>
      send(await issueUnder(intermediate), await rogue.issueIntermediate({ subject: "CN=another" })),
    "chain",
  ],
  "a CA that nobody uploaded": [under("rogue"), "chain"],
  "a CA that nobody uploaded, sent along": [async ({ rogue }) => send(await issueUnder(rogue), rogue), "chain"],
  "a CA that nobody uploaded, its intermediate sent along": [
    async ({ rogue }) => issueUnder(await rogue.issueIntermediate({ subject: "CN=rogue-between" })),
    "chain",
  ],
  "a self-signed leaf": [() => createSelfSignedCertificate({ subject: "CN=client" }), "chain"],
  "a self-signed leaf that may sign certificates": [
    () => createSelfSignedCertificate({ subject: "CN=client", keyUsage: ["digitalSignature", "keyCertSign"] }),
    "chain",
  ],
  "a self-signed version 1 leaf": [() => createSelfSignedCertificate({ subject: "CN=client", version: 1 }), "chain"],
  "a self-signed leaf with the name of an uploaded CA": [
    ({ root }) => createSelfSignedCertificate({ subject: root.subject, authorityKeyIdentifier: false }),
    "chain",
  ],
  "an uploaded CA's name with another key": [under("namesake"), "chain"],
  "an uploaded CA's name with another key, without key identifiers": [
    under("namesake", { authorityKeyIdentifier: false }),
    "signature",
  ],
  "an uploaded CA's name with another key, sent along": [
    async ({ namesake }) => send(await issueUnder(namesake), namesake),
    "chain",
  ],
  "an intermediate's name with another key beside the right one": [
    async ({ root, intermediate }) => {
      const twin = await root.issueIntermediate({ subject: intermediate.subject });
      return send(await issueUnder(intermediate), twin, intermediate);
    },
  ],
  "an intermediate's name with another key alone": [
    async ({ root, intermediate }) =>
      send(await issueUnder(intermediate), await root.issueIntermediate({ subject: intermediate.subject })),
    "chain",
  ],
  "without key identifiers": [leaf({ authorityKeyIdentifier: false, subjectKeyIdentifier: false })],
  "an intermediate without key identifiers": [behind({ authorityKeyIdentifier: false, subjectKeyIdentifier: false })],
  "an issuer name in other case and with other spaces": [
    async ({ root }) => {
      const spelled = await root.crossSign(root, { subject: "CN=Example-CA, O=EXAMPLE ,C=US" });
      return send(await issueUnder(spelled));
    },
  ],
  "a cross-signed intermediate, both certificates": [
    async ({ other, intermediate }) =>
      send(await issueUnder(intermediate), intermediate, await other.crossSign(intermediate)),
  ],
  "a cross-signed intermediate, the other certificate": [
    async ({ other, intermediate }) => send(await issueUnder(intermediate), await other.crossSign(intermediate)),
  ],
  "a cross-signed intermediate, one of them by a stranger": [
    async ({ rogue, intermediate }) =>
      send(await issueUnder(intermediate), await rogue.crossSign(intermediate), intermediate),
    "chain",
  ],
  "a root cross-signed by a stranger": [
    async ({ root, rogue }) => send(await issueUnder(root), await rogue.crossSign(root)),
  ],
  "an altered signature": [async ({ root }) => flipSignatureBit(await issueUnder(root)), "signature"],
  "an intermediate with an altered signature": [
    async ({ root }) => {
      const between = await root.issueIntermediate({ subject: "CN=between" });
      return send(await issueUnder(between), flipSignatureBit(between));
    },
    "signature",
  ],
  "the intermediate before the leaf": [
    async ({ intermediate }) => send(intermediate, await issueUnder(intermediate)),
    "order",
    "purpose",
  ],
  "the whole chain upside down": [
    async ({ root, intermediate }) => send(root, intermediate, await issueUnder(intermediate)),
    "order",
    "purpose",
  ],
};

export const AUTHORITY: Rows = {
  "an intermediate that is no CA": [behind({ basicConstraints: { ca: false } }), "authority"],
  "an intermediate without basic constraints": [behind({ basicConstraints: "none" }), "authority"],
  "an intermediate that may not sign certificates": [behind({ keyUsage: ["cRLSign"] }), "authority"],
  "an intermediate without key usage": [behind({ keyUsage: [] })],
  "a version 1 intermediate": [behind({ version: 1 }), "authority"],
  "a leaf issued by a leaf": [
    async ({ root }) => {
      const client = await root.issueIntermediate({
        subject: "CN=client",
        basicConstraints: { ca: false },
        keyUsage: ["digitalSignature"],
      });
      return client.issue({ subject: "CN=other" });
    },
    "authority",
  ],
  "a path length of 0 kept": [behind({ basicConstraints: { ca: true, pathLength: 0 } })],
  "a path length of 0 broken": [
    async ({ root }) => {
      const last = await root.issueIntermediate({ subject: "CN=last", basicConstraints: { ca: true, pathLength: 0 } });
      return issueUnder(await last.issueIntermediate({ subject: "CN=beyond" }));
    },
    "authority",
  ],
  "a path length of 1 broken": [
    async ({ root }) => {
      const first = await root.issueIntermediate({ subject: "CN=one", basicConstraints: { ca: true, pathLength: 1 } });
      const second = await first.issueIntermediate({ subject: "CN=two" });
      return issueUnder(await second.issueIntermediate({ subject: "CN=three" }));
    },
    "authority",
  ],
};

const permitted = (name: `dns:${string}`) => ({ nameConstraints: { permitted: [name] } });
const excluded = (name: `dns:${string}` | `email:${string}` | `dirName:${string}`) => ({
  nameConstraints: { excluded: [name] },
});

export const CONSTRAINTS: Rows = {
  "a name inside the constraints": [
    behind(permitted("dns:example.com"), { subjectAlternativeNames: ["dns:client.example.com"] }),
  ],
  "a name outside the constraints": [
    behind(permitted("dns:example.com"), { subjectAlternativeNames: ["dns:example.org"] }),
    "constraints",
  ],
  "an excluded name": [
    behind(excluded("dns:example.com"), { subjectAlternativeNames: ["dns:example.com"] }),
    "constraints",
  ],
  "an excluded mail address": [
    behind(excluded("email:example.com"), { subjectAlternativeNames: ["email:me@example.com"] }),
    "constraints",
  ],
  "an excluded subject": [behind(excluded("dirName:O=Evil"), { subject: "CN=client,O=Evil" }), "constraints"],
  "an unknown critical extension": [
    leaf({ extensions: [{ oid: "2.999.7", critical: true, value: Buffer.from("0500", "hex") }] }),
    "constraints",
  ],
  "an unknown extension": [leaf({ extensions: [{ oid: "2.999.7", value: Buffer.from("0500", "hex") }] })],
  "an unknown critical extension in an intermediate": [
    behind({ extensions: [{ oid: "2.999.7", critical: true, value: Buffer.from("0500", "hex") }] }),
    "constraints",
  ],
  "an extension that occurs twice": [
    leaf({ extensions: Array.from({ length: 2 }, () => ({ oid: "2.999.1", value: Buffer.from("0500", "hex") })) }),
    "file",
  ],
};
