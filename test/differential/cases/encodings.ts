/** Versions, serial numbers, times, names and encodings that RFC 5280 does not have, or that only BER has. */

import { replaceDer } from "../../../fixtures/pki/damage.ts";
import { encodeTlv } from "../../../fixtures/pki/der.ts";
import { forge, type Parts, takeApart } from "../forge.ts";
import { behind, behindForged, forged, issue, leaf, type Make, send, type Table, underRoot } from "./case.ts";

const hex = (text: string) => Buffer.from(text, "hex");
const INTEGER = 0x02;
const UTC = 0x17;
const GENERALIZED = 0x18;

const version = (number: number) => (parts: Parts) => {
  parts.version = encodeTlv(0xa0, encodeTlv(INTEGER, Uint8Array.of(number)));
};
const VERSIONS: Table = {
  "version 1 with extensions": forged((parts) => {
    parts.version = undefined;
  }),
  "version 1 written out": forged(version(0), { version: 1 }),
  "version 2 with extensions": forged(version(1)),
  "version 2 with unique identifiers": forged(
    (parts) => {
      version(1)(parts);
      parts.uniqueIds = [hex("81020001"), hex("82020002")];
    },
    { version: 1 },
  ),
  "version 4": forged(version(3)),
  "version 3 without extensions": forged((parts) => {
    parts.extensions = [];
  }),
  "an intermediate of version 1 with extensions": behindForged((parts) => {
    parts.version = undefined;
  }),
  "a root of version 1 with the RSA key of another age": underRoot({ version: 1, key: "rsa-2048" }),
};

const serial = (content: string): Make =>
  forged((parts) => {
    parts.serialNumber = encodeTlv(INTEGER, hex(content));
  });
const SERIALS: Table = {
  "a negative serial number": serial("ff01"),
  "a serial number of 21 bytes": serial("01".repeat(21)),
  "a serial number of 1,000 bytes": serial("01".repeat(1_000)),
  "a serial number without bytes": serial(""),
  "a serial number with zeros before it": serial("00000001"),
  "the serial number of its issuer": async ({ root }) => {
    const { serialNumber } = takeApart(root.der);
    return forge(await issue(root), root.keys, (parts) => {
      parts.serialNumber = serialNumber;
    });
  },
};

const times =
  (notBefore: string, notAfter: string, tag = UTC) =>
  (parts: Parts) => {
    parts.validity = encodeTlv(
      0x30,
      encodeTlv(notBefore.length > 13 ? GENERALIZED : tag, Buffer.from(notBefore)),
      encodeTlv(notAfter.length > 13 ? GENERALIZED : tag, Buffer.from(notAfter)),
    );
  };
const TIMES: Table = {
  "GeneralizedTime for a year before 2050": forged(times("20200101000000Z", "20400101000000Z")),
  "UTCTime without seconds": forged(times("2001010000Z", "4001010000Z")),
  "UTCTime with an offset": forged(times("200101000000+0100", "400101000000+0000")),
  "GeneralizedTime with a fraction": forged(times("20200101000000.5Z", "20400101000000.5Z")),
  "a 13th month": forged(times("200101000000Z", "401301000000Z")),
  "a 30th of February": forged(times("200101000000Z", "400230000000Z")),
  "a second 60": forged(times("200101000060Z", "400101000000Z")),
  "a time of letters": forged(times("200101000000Z", "tomorrow....Z")),
  "the year 1949 as UTCTime": forged(times("490101000000Z", "480101000000Z")),
  "the end of time": forged(times("00000101000000Z", "99991231235959Z")),
  "an intermediate whose end is no time": behindForged(times("200101000000Z", "401301000000Z")),
  "an intermediate without seconds in its times": behindForged(times("2001010000Z", "4001010000Z")),
};

const name = (tag: number, bytes: Uint8Array) =>
  encodeTlv(0x30, encodeTlv(0x31, encodeTlv(0x30, hex("0603550403"), encodeTlv(tag, bytes))));
const subject = (der: Uint8Array): Make =>
  forged((parts) => {
    parts.subject = der;
  });
const NAMES: Table = {
  "an issuer name in another string type": async ({ root }) => {
    const spelled = await root.crossSign(root, {
      subject: [
        { type: "CN", value: "example-ca", stringType: "printable" },
        { type: "O", value: "Example", stringType: "teletex" },
        { type: "C", value: "US" },
      ],
    });
    return send(await issue(spelled));
  },
  "a root without a name": underRoot({ subject: "" }),
  "an intermediate without a name": behind({ subject: "" }),
  "the name of its issuer": async ({ root }) => issue(root, { subject: root.subject }),
  "the name of its intermediate": behind({ subject: "CN=client" }),
  "an empty RDN": subject(hex("30023100")),
  "a name that is no UTF-8": subject(name(0x0c, hex("fffe"))),
  "a name in PrintableString with other letters": subject(name(0x13, Buffer.from("a@b*\u00e9", "latin1"))),
  "a name of 64,000 characters": subject(name(0x0c, Buffer.alloc(64_000, "x"))),
  "a name that is a number": subject(name(0x02, hex("2a"))),
  "a name in pieces": subject(name(0x2c, encodeTlv(0x0c, Buffer.from("x")))),
};

/** SEQUENCE with the length in one byte more than is needed */
const longer = (der: Uint8Array) => Buffer.concat([hex("3083"), hex("00"), der.subarray(2)]);
const indefinite = (der: Uint8Array) => Buffer.concat([hex("3080"), der.subarray(4), hex("0000")]);
const reencoded =
  (encode: (der: Uint8Array) => Buffer): Make =>
  async ({ root }) => {
    const client = await issue(root);
    return replaceDer(client, encode(client.der));
  };
const ENCODINGS: Table = {
  "an outer length of one byte too many": reencoded(longer),
  "an outer length without end": reencoded(indefinite),
  "two bytes after the certificate": reencoded((der) => Buffer.concat([der, hex("0500")])),
  "a byte missing at the end": reencoded((der) => Buffer.from(der.subarray(0, -1))),
  "a subject whose length is one byte too long": forged((parts) => {
    parts.subject = Buffer.concat([hex("3081"), parts.subject.subarray(1)]);
  }),
  "a validity without end": forged((parts) => {
    parts.validity = Buffer.concat([hex("3080"), parts.validity.subarray(2), hex("0000")]);
  }),
  "a key with bytes after it": forged((parts) => {
    parts.publicKey = encodeTlv(0x30, parts.publicKey.subarray(2), hex("0500"));
  }),
  "an intermediate with a BER length": behindForged((parts) => {
    parts.subject = Buffer.concat([hex("3081"), parts.subject.subarray(1)]);
  }),
  "64 unique bits": forged((parts) => {
    parts.uniqueIds = [encodeTlv(0x81, Buffer.alloc(9))];
  }),
  "a leaf of exactly 16 KiB": leaf({ sizeBytes: 16_384 }),
};

export const ENCODED: Table = { ...VERSIONS, ...SERIALS, ...TIMES, ...NAMES, ...ENCODINGS };
