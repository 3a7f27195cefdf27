/** PROXY headers, written from proxy-protocol.txt and not with the reader's constants. */

const V2_SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
export const DESTINATION = "192.0.2.1";
const DESTINATION_V6 = "2001:db8::ffff";

/** Section 2.1: `PROXY TCP4 203.0.113.7 192.0.2.1 51234 443` */
export function version1(source: string): Buffer {
  const family = source.includes(":") ? `TCP6 ${source} ${DESTINATION_V6}` : `TCP4 ${source} ${DESTINATION}`;
  return Buffer.from(`PROXY ${family} 51234 443\r\n`);
}

interface Version2 {
  /** `0x21`: version 2, PROXY */
  command?: number;
  /** `0x11`: TCP over IPv4 */
  family?: number;
  addresses?: Buffer;
  extensions?: Buffer;
  /** What the header says, whatever there is */
  length?: number;
}

/** Section 2.2, field by field */
export function version2Header(fields: Version2 = {}): Buffer {
  const { command = 0x21, family = 0x11, addresses = Buffer.alloc(0), extensions = Buffer.alloc(0) } = fields;
  const fixed = Buffer.from([command, family, 0, 0]);
  fixed.writeUInt16BE(fields.length ?? addresses.length + extensions.length, 2);
  return Buffer.concat([V2_SIGNATURE, fixed, addresses, extensions]);
}

/** A client's, `203.0.113.7` or a whole IPv6 address: eight groups, none left out */
export function version2(source: string, extensions = Buffer.alloc(0)): Buffer {
  const isVersion6 = source.includes(":");
  const addresses = Buffer.concat([packAddress(source), packAddress(source), Buffer.from([0xc8, 0x22, 0x01, 0xbb])]);
  return version2Header({ family: isVersion6 ? 0x21 : 0x11, addresses, extensions });
}

/** The load balancer's own connection: LOCAL, unspecified */
export const version2Local = version2Header({ command: 0x20, family: 0x00 });

export function packAddress(address: string): Buffer {
  if (!address.includes(":")) return Buffer.from(address.split(".").map(Number));
  return Buffer.from(
    address
      .split(":")
      .map((group) => group.padStart(4, "0"))
      .join(""),
    "hex",
  );
}
