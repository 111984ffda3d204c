import assert from 'node:assert/strict'
import { isIPv4, isIPv6 } from 'node:net'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseIPv6, printIPv6 } from '../qmail/ip.ts'
import { parseProxyHeader, type ProxiedAddresses, type ProxyHeader } from './header.ts'

const line = (text: string): ProxyHeader => parseProxyHeader(Buffer.from(text, 'latin1'))
const SIGNATURE = '0d0a0d0a000d0a515549540a'
const binary = (hex: string): ProxyHeader => parseProxyHeader(Buffer.from(SIGNATURE + hex.replaceAll(' ', ''), 'hex'))

describe('version 1', () => {
  test('addresses of both families', () => {
    assert.deepEqual(line('PROXY TCP4 192.0.2.1 198.51.100.2 40000 25\r\nEHLO x\r\n'), {
      kind: 'header', length: 44,
      addresses: { remoteAddress: '192.0.2.1', localAddress: '198.51.100.2', remotePort: 40000, localPort: 25 },
    })
    assert.deepEqual(line('PROXY TCP6 2001:DB8:0::1 ::ffff:192.0.2.9 0 65535\r\n'), {
      kind: 'header', length: 51,
      addresses: { remoteAddress: '2001:db8::1', localAddress: '::ffff:c000:209', remotePort: 0, localPort: 65535 },
    })
  })

  test('a proxy that does not know its client, or speaks for itself', () => {
    for (const text of ['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ffff::1 nonsense 1 2\r\n']) assert.deepEqual(line(text), { kind: 'header', length: text.length })
  })

  for (const text of [
    'PROXY TCP4 192.0.2.1 198.51.100.2 40000\r\n', 'PROXY TCP4  192.0.2.1 198.51.100.2 40000 25\r\n', 'PROXY TCP4 192.0.2.1 198.51.100.2 40000 25 \r\n',
    'PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n', 'PROXY TCP4 192.0.2.01 198.51.100.2 1 2\r\n', 'PROXY TCP4 ::1 ::1 1 2\r\n', 'PROXY TCP6 192.0.2.1 ::1 1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n', 'PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n', 'PROXY TCP4 192.0.2.1 198.51.100.2 -1 2\r\n',
    'PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n', 'proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n', 'PROXY\r\n', 'PROXYTCP4 \r\n', 'EHLO x\r\n', 'Q',
    'PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n\r\n', `PROXY UNKNOWN ${'x'.repeat(100)}\r\n`, `PROXY ${'x'.repeat(101)}`, 'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n',
    'PROXY TCP4 192.0.2.1\0 198.51.100.2 1 2\r\n',
  ]) test(`refused: ${JSON.stringify(text).slice(0, 60)}`, () => { assert.equal(line(text).kind, 'bad') })
})

describe('version 2', () => {
  test('addresses of both families, and what TLVs there are is passed over', () => {
    assert.deepEqual(binary('21 11 0010 c0000201 c6336402 9c40 0019 04 0001 00'), {
      kind: 'header', length: 32, addresses: { remoteAddress: '192.0.2.1', localAddress: '198.51.100.2', remotePort: 40000, localPort: 25 },
    })
    assert.deepEqual(binary('21 21 0024 20010db8000000000000000000000001 00000000000000000000000000000001 0000 ffff 45484c4f'), {
      kind: 'header', length: 52, addresses: { remoteAddress: '2001:db8::1', localAddress: '::1', remotePort: 0, localPort: 65535 },
    })
  })

  test('LOCAL, with whatever in it, and an unspecified family', () => {
    for (const hex of ['20 00 0000', '20 11 000c c0000201 c6336402 9c40 0019', '20 ff 0001 00', '21 00 0000', '21 00 0002 ffff']) {
      const header = binary(hex)
      assert.deepEqual(header, { kind: 'header', length: 12 + hex.replaceAll(' ', '').length / 2 }, hex)
    }
  })

  for (const hex of ['11 11 000c', '22 11 000c', '31 11 000c', '21 11 000b', '21 21 0023', '21 12 000c', '21 31 00d8', '21 41 0000', '21 11 ffff', '20 00 1001']) {
    test(`refused: ${hex}`, () => { assert.equal(binary(hex).kind, 'bad') })
  }
})

const printLine = ({ remoteAddress, localAddress, remotePort, localPort }: ProxiedAddresses): Buffer =>
  Buffer.from(`PROXY TCP${isIPv4(remoteAddress) ? 4 : 6} ${remoteAddress} ${localAddress} ${remotePort} ${localPort}\r\n`)

function printBinary({ remoteAddress, localAddress, remotePort, localPort }: ProxiedAddresses, tlvs: Uint8Array): Buffer {
  const bytes = (ip: string): Buffer => isIPv4(ip) ? Buffer.from(ip.split('.').map(Number)) : Buffer.from(parseIPv6(ip)!.toString(16).padStart(32, '0'), 'hex')
  const body = Buffer.concat([bytes(remoteAddress), bytes(localAddress), Buffer.from([remotePort >> 8, remotePort & 255, localPort >> 8, localPort & 255]), tlvs])
  const head = Buffer.from([0x21, isIPv4(remoteAddress) ? 0x11 : 0x21, body.length >> 8, body.length & 255])
  return Buffer.concat([Buffer.from(SIGNATURE, 'hex'), head, body])
}

const addresses = fc.constantFrom(fc.ipV4(), fc.ipV6().map((ip) => printIPv6(parseIPv6(ip)!))).chain((ip) => fc.record({
  remoteAddress: ip, localAddress: ip, remotePort: fc.nat(65535), localPort: fc.nat(65535),
}, { noNullPrototype: true }))

test('property: what a proxy prints is read back, however it is cut and whatever follows', () => {
  const rest = fc.uint8Array({ maxLength: 50 })
  fc.assert(fc.property(addresses, fc.option(rest), rest, (given, tlvs, behind) => {
    const header = tlvs === null ? printLine(given) : printBinary(given, tlvs)
    for (let length = 0; length < header.length; length++) assert.equal(parseProxyHeader(header.subarray(0, length)).kind, 'more')
    assert.deepEqual(parseProxyHeader(Buffer.concat([header, behind])), { kind: 'header', length: header.length, addresses: given })
  }))
})

test('property: any bytes are read without an exception, and only addresses come out', () => {
  const almost = fc.tuple(addresses, fc.nat(60), fc.nat(255), fc.boolean()).map(([given, at, byte, text]) => {
    const header = text ? printLine(given) : printBinary(given, Buffer.alloc(3))
    header[at % header.length] = byte
    return header
  })
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)), almost), (bytes) => {
    const header = parseProxyHeader(bytes)
    if (header.kind !== 'header') return
    assert.ok(header.length <= bytes.length)
    const found = header.addresses
    if (found === undefined) return
    for (const ip of [found.remoteAddress, found.localAddress]) assert.ok(isIPv4(ip) || isIPv6(ip))
    for (const port of [found.remotePort, found.localPort]) assert.ok(port >= 0 && port <= 65535)
  }), { numRuns: 2000 })
})

test('IPv6 addresses have one spelling', () => {
  for (const [given, wanted] of [
    ['::', '::'], ['::1', '::1'], ['1::', '1::'], ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'], ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'], ['FE80::ABCD', 'fe80::abcd'], ['0:0:1:0:0:0:0:0', '0:0:1::'],
  ] as const) assert.equal(printIPv6(parseIPv6(given)!), wanted)
  fc.assert(fc.property(fc.ipV6(), (ip) => {
    const printed = printIPv6(parseIPv6(ip)!)
    assert.equal(parseIPv6(printed), parseIPv6(ip))
    assert.equal(printed.toLowerCase(), new URL(`http://[${ip}]/`).hostname.slice(1, -1))
  }))
})
