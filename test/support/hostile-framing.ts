/** What breaks HTTP itself: headers, lengths, chunks, and no HTTP at all. Each character is one byte on the wire. */
import type { Random } from './random.ts'

/** Headers that are no HTTP. */
export const BAD_HEADERS: readonly [string, string][] = [
  ['X-Bad', 'a\r\n folded'],
  ['X-Bad', 'a\0b'],
  ['X-Bad', 'a\rb'],
  ['X-Bad', 'a\nX-Injected: 1'],
  ['X Bad', 'a'],
  ['', 'no name'],
  ['X-\xff', 'a'],
  ['X-Long', 'a'.repeat(20_000)],
  ['X-Long', 'a'.repeat(200_000)],
  ['X-Many: 1\r\n'.repeat(3000).slice(0, -5), '1'],
  ['Host', 'second.example'],
  ['Expect', '100-continue'],
  ['Expect', 'the-unexpected'],
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade, HTTP2-Settings'],
]

/** Headers that make the end of a body unclear. */
export const FRAMINGS: readonly [string, string][] = [
  ...['5', '0', '-1', '+5', '1e3', '0x10', '99999999999999999999999', '', 'abc', '5, 5', '5,6', '100000000'].map(
    (value): [string, string] => ['Content-Length', value],
  ),
  ...[
    'chunked',
    'CHUNKED',
    'identity',
    'gzip',
    'gzip, chunked',
    'chunked, chunked',
    'xchunked',
    '\x0bchunked',
    'chunked;a=b',
    '',
  ].map((value): [string, string] => ['Transfer-Encoding', value]),
  ['Content-Length ', '5'],
  ['Transfer-Encoding ', 'chunked'],
]

/** Chunked bodies that are none. MARK is two chunks short of an entry. */
export const CHUNKS = [
  ...[
    'ZZ\r\nMARK\r\n0\r\n\r\n',
    '-1\r\nMARK',
    'FFFFFFFFFFFFFFFFF\r\nMARK',
    '5\r\nMARK\r\n0\r\n\r\n',
    '0x10\r\nMARK\r\n0\r\n\r\n',
  ],
  ...[
    '100\r\nMARK\r\n',
    '5\nMARK\n0\n\n',
    '',
    '0',
    '0\r\n',
    '\r\n\r\n',
    'MARK',
    '5;ext="\r\n\r\nMARK',
    '7fffffff\r\nMARK',
    ' 5\r\nMARK',
  ],
  `1;${'x'.repeat(20_000)}\r\nM\r\n0\r\n\r\n`,
  `0\r\n${'X-Trailer: 1\r\n'.repeat(2000)}\r\n`,
]

/** What is no HTTP/1.1 at all. */
export function garbage(random: Random, host: string): Uint8Array {
  const text = random.pick([
    ...[
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'GET /monitor\r\n',
      'GET  /monitor  HTTP/1.1\r\n\r\n',
      'GET /monitor HTTP/9.9\r\n\r\n',
    ],
    ...[
      `GET /monitor/logs HTTP/1.0\r\nHost: ${host}\r\n\r\n`,
      'GET /monitor/logs HTTP/1.1\r\n\r\n',
      '\r\n\r\n\r\n',
      '\0'.repeat(100),
    ],
    ...[
      'SSH-2.0-OpenSSH_9.9\r\n',
      'EHLO x\r\n',
      'HTTP/1.1 200 OK\r\n\r\n',
      '{"message":"x"}\n',
      'GET / HTTP/1.1\nHost: x\n\n',
      'a'.repeat(100_000),
    ],
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  ])
  return random.chance(0.4) ? random.bytes(random.int(1, 3000)) : Buffer.from(text, 'latin1')
}
