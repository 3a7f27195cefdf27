/** Networks as flags name them: which addresses are meant. */
import { BlockList, isIP } from "node:net";

/**
 * IPv4-mapped addresses count as what they map.
 *
 * @param networks `10.0.0.0/8`, `::1/128`, or single addresses
 * @throws TypeError for one that does not parse
 */
export function createNetworkList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) addNetwork(list, network);
  return list;
}

/** No address is in no network; the interface of a link-local one (`%eth0`) does not count. */
export function isInNetworks(networks: BlockList, address: string): boolean {
  const [bare = ""] = address.split("%", 1);
  const family = isIP(bare);
  return family !== 0 && networks.check(bare, family === 6 ? "ipv6" : "ipv4");
}

function addNetwork(list: BlockList, text: string): void {
  const [address = "", prefix, ...rest] = text.split("/");
  const family = isIP(address);
  const bits = family === 6 ? 128 : 32;
  const length = prefix === undefined ? bits : Number(prefix);
  if (family === 0 || !/^\d+$/.test(prefix ?? "0") || length > bits || rest.length > 0) {
    throw new TypeError(`"${text}" is not a network, give an address or address/prefix: 127.0.0.0/8`);
  }
  list.addSubnet(address, length, family === 6 ? "ipv6" : "ipv4");
}
