// A certificate authority of one test, and a server's certificate by it. In: names and addresses. Out: PEM texts.
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { ipDigits, parseIp, type Ip } from "../../rules/net/ip.ts";

export type ServerCertificate = { readonly caPem: string; readonly certPem: string; readonly keyPem: string };

/**
 * Valid from yesterday for a day more than asked. Written by hand, since Node makes no certificates and a tool may be missing.
 * Source of the shapes: RFC 5280; ECDSA with P-256 and SHA-256.
 */
export function makeCertificate(names: readonly string[]): ServerCertificate {
  const [ca, server] = [newKeys(), newKeys()];
  const issuer = "rulewright test CA";
  const caDer = certificate({
    serial: 1,
    issuer,
    subject: issuer,
    subjectKey: ca.publicKey,
    signer: ca.privateKey,
    extensions: [authority],
  });
  const certDer = certificate({
    serial: 2,
    issuer,
    subject: "kube-apiserver",
    subjectKey: server.publicKey,
    signer: ca.privateKey,
    extensions: [alternativeNames(names)],
  });
  const keyPem = server.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { caPem: pem(caDer), certPem: pem(certDer), keyPem };
}

function newKeys(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

type Contents = {
  readonly serial: number;
  readonly issuer: string;
  readonly subject: string;
  readonly subjectKey: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Buffer[];
};

function certificate({ serial, issuer, subject, subjectKey, signer, extensions }: Contents): Buffer {
  const body = sequence(
    element(0xa0, integer(2)), // version 3
    integer(serial),
    sequence(ecdsaWithSha256),
    commonName(issuer),
    sequence(time(-1), time(1)),
    commonName(subject),
    subjectKey.export({ type: "spki", format: "der" }),
    element(0xa3, sequence(...extensions)),
  );
  return sequence(body, sequence(ecdsaWithSha256), bits(sign("sha256", body, signer)));
}

function commonName(text: string): Buffer {
  return sequence(element(0x31, sequence(oid("550403"), element(0x0c, Buffer.from(text)))));
}

/** UTCTime, so many days from now. */
function time(days: number): Buffer {
  const iso = new Date(Date.now() + days * 86_400_000).toISOString();
  return element(0x17, Buffer.from(`${iso.slice(2, 19).replace(/[-:T]/g, "")}Z`));
}

function alternativeNames(names: readonly string[]): Buffer {
  const general = names.map((name) => {
    const ip = parseIp(name);
    return ip === undefined ? element(0x82, Buffer.from(name)) : element(0x87, addressBytes(ip));
  });
  return sequence(oid("551d11"), element(0x04, sequence(...general)));
}

function addressBytes(ip: Ip): Buffer {
  return Buffer.from(ipDigits(ip), "hex");
}

function element(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...contents: readonly Buffer[]): Buffer {
  return element(0x30, ...contents);
}

function integer(value: number): Buffer {
  return element(0x02, Buffer.from([value]));
}

function bits(content: Buffer): Buffer {
  return element(0x03, Buffer.from([0]), content);
}

function oid(hex: string): Buffer {
  return element(0x06, Buffer.from(hex, "hex"));
}

function pem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** 1.2.840.10045.4.3.2 */
const ecdsaWithSha256 = oid("2a8648ce3d040302");
/** basicConstraints, critical: CA. */
const authority = sequence(
  oid("551d13"),
  element(0x01, Buffer.from([0xff])),
  element(0x04, sequence(element(0x01, Buffer.from([0xff])))),
);
