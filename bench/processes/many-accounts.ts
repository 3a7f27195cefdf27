/** How the accounts are called that fill-control-process.ts makes, and their domains. */

export const PROJECT = "shop";

export function accountName(index: number): string {
  return `account-${index}`;
}

/** Of that account, the domain of that number. */
export function hostnameOf(account: number, domain: number): string {
  return domain === 0 ? `${PROJECT}.${accountName(account)}.localhost` : `d${domain}.${accountName(account)}.example`;
}
