/**
 * Where the egress does not connect to, unless allowed: this machine and its link. A route that forwards to a host name
 * of somebody else's choosing would otherwise reach metadata services (169.254.169.254) and whatever listens on loopback
 * with this edge's certificate in hand. Checked where the address is known, after DNS and for every look-up, so that a
 * name that resolves to another address the second time gains nothing.
 */
import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { createNetworkList } from "../networks.ts";

/** Loopback, link-local, unspecified, multicast, broadcast; IPv4-mapped addresses count as what they map (BlockList). */
const REFUSED: readonly [network: string, prefix: number, family: "ipv4" | "ipv6"][] = [
  ["0.0.0.0", 8, "ipv4"],
  ["127.0.0.0", 8, "ipv4"],
  ["169.254.0.0", 16, "ipv4"],
  ["224.0.0.0", 4, "ipv4"],
  ["255.255.255.255", 32, "ipv4"],
  ["::", 128, "ipv6"],
  ["::1", 128, "ipv6"],
  ["fe80::", 10, "ipv6"],
  ["ff00::", 8, "ipv6"],
];

export const LOOPBACK_NETWORKS: readonly string[] = ["127.0.0.0/8", "::1/128"];

export class RefusedAddressError extends Error {
  readonly code = "EGRESS_ADDRESS_REFUSED";

  constructor(host: string, address: string) {
    super(
      host === address
        ? `"${address}" is a loopback or link-local address`
        : `"${host}" has the loopback or link-local address ${address}`,
    );
    this.name = "RefusedAddressError";
  }
}

export interface AddressRules {
  /** @throws RefusedAddressError when `host` is an IP address that is refused; host names are looked at in `lookup` */
  check(host: string): void;
  /** `dns.lookup` whose answers are checked */
  lookup: LookupFunction;
}

/**
 * @param allowed networks (`127.0.0.0/8`, `::1/128`) or addresses that may be connected to all the same
 * @throws TypeError for one that does not parse
 */
export function createAddressRules(allowed: readonly string[]): AddressRules {
  const refusedList = new BlockList();
  for (const [network, prefix, family] of REFUSED) refusedList.addSubnet(network, prefix, family);
  const allowedList = createNetworkList(allowed);

  function checkAddress(host: string, address: string): void {
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (refusedList.check(address, family) && !allowedList.check(address, family)) {
      throw new RefusedAddressError(host, address);
    }
  }

  const lookup: LookupFunction = function lookupAllowed(hostname, options, callback) {
    const all: LookupAllOptions = { ...options, all: true } as LookupAllOptions;
    systemLookup(hostname, all, (error, addresses) => {
      if (error) return callback(error, "");
      try {
        for (const { address } of addresses) checkAddress(hostname, address);
      } catch (refused) {
        return callback(refused as NodeJS.ErrnoException, "");
      }
      const [first] = addresses as [LookupAddress];
      return options.all ? callback(null, addresses) : callback(null, first.address, first.family);
    });
  };

  return {
    check(host) {
      const address = host.replace(/^\[|\]$/g, "");
      if (isIP(address) !== 0) checkAddress(address, address);
    },
    lookup,
  };
}
