/** `sallyport logout`: removes what login kept. The key itself stays valid. */
import { readCredentials, removeCredentials } from "../api/credentials.ts";
import { type OutputFlags, showResult } from "../output/result.ts";
import { CliError, hint } from "../output.ts";

export async function logout(flags: OutputFlags): Promise<void> {
  const apiUrl = readApiUrl();
  removeCredentials();
  showResult(flags, { loggedOut: apiUrl !== undefined }, ({ loggedOut }) =>
    loggedOut ? `logged out of ${apiUrl}` : "nobody was logged in",
  );
  if (apiUrl !== undefined) hint("the API key itself stays valid until it is deleted on the control plane");
}

/** A damaged file is removed like any other. */
function readApiUrl(): string | undefined {
  try {
    return readCredentials()?.apiUrl;
  } catch (failure) {
    if (failure instanceof CliError) return "a login that cannot be read";
    throw failure;
  }
}
