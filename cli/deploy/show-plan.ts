/** A plan for whoever has to agree to it. */
import { formatTable } from "../output/table.ts";
import { type DeployPlan, isCa, missingHostnames, type PlannedAssociation, type PlannedCertificate } from "./plan.ts";

interface PlanRow {
  action: "upload" | "ask" | "bind" | "set" | "deploy" | "keep";
  what: string;
  detail: string;
}

export interface PlannedDeploy {
  worker: string;
  /** The user's own configuration */
  configPath: string;
  variables: Readonly<Record<string, string>>;
}

export function formatPlan(plan: DeployPlan, { worker, configPath, variables }: PlannedDeploy): string {
  const rows: PlanRow[] = [
    ...plan.certificates.map(describeCertificate),
    ...plan.associations.map(describeAssociation),
    ...plan.certificates.filter(({ file }) => !isCa(file)).map(({ file }) => describeBinding(file.name)),
    ...Object.entries(variables).map(([name, value]) => ({
      action: "set" as const,
      what: `${name}="${value}"`,
      detail: "",
    })),
    { action: "deploy", what: `worker ${worker}`, detail: `with a copy of ${configPath}, which stays as it is` },
  ];
  return formatTable(
    [
      { title: "do", value: ({ action }) => action },
      { title: "what", value: ({ what }) => what },
      { title: "", value: ({ detail }) => detail },
    ],
    rows,
  );
}

function describeCertificate({ file, present, namesakes }: PlannedCertificate): PlanRow {
  const what = `${isCa(file) ? "CA certificate" : "mTLS certificate"} ${file.name}`;
  const older = namesakes.length === 0 ? "" : `, beside ${namesakes.join(", ")} of that name`;
  const detail = `${file.certificatePath}, SHA-256 ${file.fingerprint.slice(0, 11)}…`;
  if (present === undefined) return { action: "upload", what, detail: `${detail}${older}` };
  const name = present.name === file.name ? "" : `, there under the name ${present.name ?? "of nobody"}`;
  return { action: "keep", what, detail: `${present.id}${name}` };
}

function describeAssociation(association: PlannedAssociation): PlanRow {
  const missing = missingHostnames(association);
  const others = association.present.filter((name) => !association.hostnames.includes(name));
  const kept = others.length === 0 ? "" : `, beside ${others.join(", ")}`;
  const names = (missing.length > 0 ? missing : association.hostnames).join(", ");
  return {
    action: missing.length > 0 ? "ask" : "keep",
    what: `clients of ${names}`,
    detail: `for certificates of ${association.ca.name}${kept}`,
  };
}

function describeBinding(name: string): PlanRow {
  return { action: "bind", what: name, detail: "[[mtls_certificates]]" };
}
