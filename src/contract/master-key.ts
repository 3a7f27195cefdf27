/** The form of master keys, which the control plane is given as variables: 32 bytes in base64. */
const MASTER_KEY = /^[A-Za-z0-9+/]{43}=$/;

/** For messages, after "expected are". */
export const MASTER_KEY_FORM = "32 bytes in base64: openssl rand -base64 32";

export function isMasterKey(text: string): boolean {
  return MASTER_KEY.test(text);
}
