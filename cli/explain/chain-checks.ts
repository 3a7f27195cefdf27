/** The way from the leaf to an uploaded root: is it whole, and did each issuer sign? */
import type { Check, CheckContext, Finding } from "./checks.ts";
import type { IssuerPath, PathStep } from "./issuer-path.ts";
import { nameIssuer, nameSubject } from "./names.ts";

export const chainCheck: Check = {
  name: "chain",
  describe({ path, judgement: { verdict } }) {
    const anchors = verdict.status === "SUCCESS" ? verdict.anchors.map(({ id, name }) => `"${name}" (${id})`) : [];
    return anchors.length === 0 ? printPath(path) : `${printPath(path)}; anchored by ${anchors.join(" and ")}`;
  },
  findProblem: findChainProblem,
};

export const signatureCheck: Check = {
  name: "signature",
  describe: () => "each signature on the way fits the key of its issuer",
  findProblem({ path: { steps, end } }) {
    if (end.kind !== "signature_wrong") return undefined;
    const issuer = placeOf(end.candidate);
    return {
      text: `the signature of ${nameSubject(lastOf(steps))} was not made by the key of ${nameSubject(end.candidate)} (${issuer})`,
      hint: "either the certificate was altered (get it again), or another CA of the same name issued it (upload that one beside)",
    };
  },
};

/** `CN=client ← CN=intermediate (in the file) ← CN=root (CA certificate "my_ca")` */
function printPath({ steps }: IssuerPath): string {
  const [leaf, ...others] = steps;
  return [nameSubject(leaf), ...others.map((step) => `${nameSubject(step)} (${placeOf(step)})`)].join(" ← ");
}

function placeOf({ uploaded }: PathStep): string {
  return uploaded === undefined ? "in the file" : `CA certificate "${uploaded.name}"`;
}

function lastOf(steps: IssuerPath["steps"]): PathStep {
  return steps.at(-1) ?? steps[0];
}

const UPLOAD = "sallyport ca-certificate create --name my_ca --cert root.pem";
const LISTED_MAX = 33;

function findChainProblem({ path, file, trust }: CheckContext): Finding | undefined {
  const { steps, end } = path;
  const last = lastOf(steps);
  const issuer = nameIssuer(last);
  switch (end.kind) {
    case "anchored":
    case "signature_wrong":
      return file.certificates.length > LISTED_MAX ? TOO_LONG : undefined;
    case "too_long":
      return TOO_LONG;
    case "issuer_missing":
      return {
        text: `${nameSubject(last)} was issued by ${issuer}, which is neither in the file nor uploaded`,
        hint:
          `send the intermediate: if ${issuer} is one, append it (cat client.pem intermediate.pem > client-chain.pem); ` +
          `if it is the self-signed root, upload it: ${UPLOAD}`,
      };
    case "issuer_differs":
      return explainOtherIssuer(last, end.candidate);
    case "intermediate_uploaded":
      return {
        text: `${placeOf(last)}, ${nameSubject(last)}, is an intermediate: the chain goes on to ${issuer}, which is not uploaded`,
        hint: `upload the root rather than the intermediate, the self-signed ${issuer}: ${UPLOAD}`,
      };
    case "root_not_uploaded":
      return explainUnknownRoot(last, steps.length === 1, trust.caSet.caCertificates.length > 0);
  }
}

const TOO_LONG: Finding = {
  text: `the edge looks through a leaf and ${LISTED_MAX - 1} certificates after it, these are more`,
  hint: "send the leaf and the intermediates that lead to the root, nothing else",
};

function explainOtherIssuer(last: PathStep, candidate: PathStep): Finding {
  const name = nameIssuer(last);
  return {
    text:
      `${nameSubject(last)} was issued by ${name}; there is one of that name (${placeOf(candidate)}), ` +
      "which is another CA: its key is not the one that the certificate names",
    hint:
      candidate.uploaded === undefined
        ? `send the ${name} that issued the certificate; if it has been renewed with another key, both`
        : `if the CA has a new key, upload its new root beside the old one: ${UPLOAD}`,
  };
}

function explainUnknownRoot(root: PathStep, isLeaf: boolean, hasUploads: boolean): Finding {
  if (isLeaf) {
    return {
      text: `${nameSubject(root)} is self-signed: no CA issued it`,
      hint: "have a certificate issued by the CA that is uploaded; to make both for development: sallyport pki init",
    };
  }
  return {
    text: `the chain ends at the self-signed ${nameSubject(root)}, which the file holds and which is ${hasUploads ? "none of the uploaded ones" : "not uploaded"}`,
    hint: `if clients of this CA are to be accepted, upload that certificate, alone in a file: ${UPLOAD}`,
  };
}
