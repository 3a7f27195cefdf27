/** Whoever runs a state directory's control plane, or replaces its database, does so alone. */
import { join } from "node:path";
import { refuse } from "../api/refusal.ts";
import { lockFile } from "../stack/file-lock.ts";
import type { StateDirectory } from "../stack/state-directory.ts";

/** Until it is disposed of, or this process ends. @throws Refusal when somebody else has it */
export function holdControlPlane({ path }: Pick<StateDirectory, "path">): Disposable {
  // Beside the folder of the database, which a restore moves away.
  const lock = lockFile(join(path, "control.lock"));
  if (lock === undefined) throw refuseRunning(path);
  return lock;
}

export function refuseRunning(stateDir: string) {
  return refuse(
    "control_plane_running",
    `a control plane is running in "${stateDir}"`,
    "end it (SIGTERM) first; edges go on serving meanwhile",
  );
}
