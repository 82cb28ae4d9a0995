/**
 * Values that stand where a method, path, query or header should. Each character is one byte on the wire. Lists are written as
 * text, parted by ¦, since one value a line would bury what matters.
 */
import type { Random } from './random.ts'

const LONG = 'a'.repeat(10_000)
/** Below what a runtime takes for all headers together. */
const LONG_VALUE = 'z'.repeat(8000)

/** The values of a text. Blanks around one are not part of it. */
function list(text: string): string[] {
  return text.split(/ ¦ |\n/).map((value) => value.replace(/^ +| +$/g, ''))
}

export const METHODS: readonly string[] = [
  ...list(`get ¦ GETT ¦ PROPFIND ¦ TRACE ¦ CONNECT ¦ BREW ¦ QUERY ¦ PURGE ¦ M-SEARCH ¦ LOCK ¦ SOURCE ¦ UNLOCK ¦ G@T ¦ \xff\xfe
    PRI ¦ __proto__ ¦ constructor ¦ PUT ¦ OPTIONS ¦ PATCH`),
  '',
  'GET\0',
  'X'.repeat(3000),
]

export const PATHS: readonly string[] = list(`/monitor ¦ /monitor/ ¦ /monitor/stream ¦ /monitor/logs ¦ /monitor/session
  /monitor/health ¦ /monitor/metrics ¦ /monitor/v1/logs ¦ / ¦ * ¦ /monitor/nothing ¦ /monitor/streams ¦ /monitor/s/shop
  /monitor/s/shop/stream ¦ /monitor/s/shop/ ¦ /monitor/s/%2e%2e/stream ¦ /monitor/s/a%2Fb/health ¦ /monitor/s/`)

const SEGMENTS = [
  ...list(`.. ¦ . ¦ %2e%2e ¦ %2E ¦ ..%2f ¦ %5c.. ¦ \\ ¦ %00 ¦ \0 ¦ % ¦ %zz ¦ %e0%a4%a ¦ %ff ¦ \xff ¦ ; ¦ logs ¦ stream ¦ LOGS ¦ monitor
    session ¦ health ¦ __proto__ ¦ constructor ¦ :id ¦ * ¦ {} ¦ %0d%0a ¦ # ¦ @ ¦ etc/passwd ¦ package.json ¦ src/cli/main.ts
    %F0%9F%98%80 ¦ ? ¦ ?? ¦ & ¦ = ¦ logs.json ¦ logs%20`),
  ...['', ' ', '\t', 'a'.repeat(300)],
]

const TARGETS =
  list(`http://evil.example/monitor/logs ¦ https://127.0.0.1/monitor/logs ¦ HTTP://x/ ¦ file:///etc/passwd ¦ *
  monitor/logs ¦ //monitor/logs ¦ /// ¦ //evil.example/ ¦ //evil.example/monitor/ ¦ /monitor// ¦ /monitor/logs/
  /monitor/\\evil.example/ ¦ //evil.example/%2e%2e/monitor/ ¦ /monitor/stream/?tail=x ¦ evil.example:80 ¦ ? ¦ #
  /monitor/%2f%2fevil.example/ ¦ /monitor/a/%00/ ¦ /monitor/%0d%0aX-Injected:%201/ ¦ /monitor/%5cevil.example/ ¦ /monitor/%C3%A9/`)

/** A path that leads nowhere good. */
export function path(random: Random): string {
  if (random.chance(0.05)) return `/monitor/${'a'.repeat(random.pick([2000, 8000, 15_000, 40_000]))}`
  if (random.chance(0.4)) return random.pick(TARGETS)
  const start = random.pick(['/', '/monitor', '/monitor/', '//', '/monitor//', '/../monitor/', '/monitor/../'])
  return (
    start + Array.from({ length: random.int(1, 5) }, () => random.pick(SEGMENTS)).join(random.pick(['/', '//', '']))
  )
}

/** Texts for any value. */
export const TEXTS: readonly string[] = [
  ...list(`- ¦ 0 ¦ -1 ¦ 1.5 ¦ 1e9 ¦ 0x10 ¦ NaN ¦ Infinity ¦ null ¦ true ¦ 99999999999999999999 ¦ \xff\xfe\xc3 ¦ abc-1 ¦ a-b-c
    ../../x ¦ __proto__ ¦ constructor ¦ [] ¦ {} ¦ '; DROP TABLE batches;-- ¦ % ¦ <script>`),
  ...['', ' ', 'a'.repeat(41), LONG_VALUE],
]

const QUERY_VALUES = [
  ...list(`-1 ¦ 1.5 ¦ 1e3 ¦ %D9%A3 ¦ 0 ¦ 00 ¦ 007 ¦ 1000001 ¦ 99999999 ¦ NaN ¦ loud ¦ WARN ¦ warn ¦ INFO%20 ¦ % ¦ %zz ¦ %00 ¦ %ff
    %e0%a4 ¦ %0d%0aX-Injected:%201 ¦ %0Adata:%20x%0A%0A ¦ %F0%9F%98%80 ¦ %22 ¦ %22%22%22 ¦ %5C ¦ + ¦ %2B ¦ %20 ¦ abc-1 ¦ a-0
    -1- ¦ x-99999999999999999999 ¦ 0-0 ¦ __proto__ ¦ %E2%80%A8 ¦ .* ¦ (a+)+$ ¦ %ED%A0%80 ¦ []`),
  ...['', LONG, '%22'.repeat(1500)],
]

const QUERY_NAMES = [
  '',
  ...list('tail ¦ level ¦ q ¦ before ¦ last_event_id ¦ tail%00 ¦ __proto__ ¦ TAIL ¦ constructor ¦ tail[]'),
]

/** A query of known names with unusable values, some twice, some broken. */
export function query(random: Random, token: string): string {
  const parts = Array.from({ length: random.int(1, 5) }, () => {
    const value = random.pick(QUERY_VALUES)
    const shown = random.chance(0.9) ? value : encodeURIComponent(value + token)
    return `${random.pick(QUERY_NAMES)}${random.chance(0.9) ? '=' : ''}${shown}`
  })
  // Node takes 16 KiB of headers altogether.
  return parts.join(random.pick(['&', '&&', ';', '&'])).slice(0, 12_000)
}

/** Authorization headers that no token is in, though some hold it. */
export function authorizations(random: Random, token: string): string[] {
  if (random.chance(0.1)) return [`Bearer ${token}`, random.pick(['Bearer x', `Bearer ${token}`, ''])]
  const one = [
    ...list(`Bearer ¦ Bearer${token} ¦ Bearer\t${token} ¦ Basic ${token} ¦ Token ${token} ¦ ${token} ¦ : ${token} ¦ Bearer "${token}"
      Bearer ${token}x ¦ Bearer ${token.slice(0, -1)} ¦ Bearer ${token.toUpperCase()} ¦ Bearer ,${token} ¦ Bearer ${token} ${token}
      Bearer ${token},Bearer ${token} ¦ Bearer Bearer ${token} ¦ Bearer ${token}\xff ¦ Basic ${btoa(`x:${token}`)} ¦ Bearer __proto__
      Bearer undefined`),
    ...['', 'Bearer ', `Bearer ${LONG_VALUE}`, `Bearer${' '.repeat(7000)}`],
  ]
  return [random.pick(one)]
}

/** A Cookie header that is no session. */
export function cookie(random: Random, valid: string): string {
  const [name = '', value = ''] = valid.split(/=(.*)/s)
  const [expires = ''] = value.split('.')
  const later = value.replace(expires, String(Number(expires) + 1000))
  return random.pick([
    ...list(`= ¦ ; ¦ ;;;=;= ¦ ${name} ¦ ${name}= ¦ ${name}=. ¦ ${name}=% ¦ ${name}=%e0%a4%a ¦ ${name}=%00 ¦ ${name}=" ¦ \xff=\xff
      ${name}=9999999999999.AAAA ¦ ${name}=9999999999999.${'A'.repeat(43)}%3D ¦ ${name}=${later} ¦ ${name}=${value.slice(0, -5)}
      ${name.toUpperCase()}=${value} ¦ __Host-${name}=${value} ¦ x${name}=${value} ¦ ${name}=Infinity.${'A'.repeat(43)}=
      __proto__=${value} ¦ ${name}=${expires} ¦ ${name}[]=${value}`),
    ...['', `${name}=${LONG_VALUE}`, 'a=b;'.repeat(1500)],
  ])
}

const named =
  (name: string) =>
  (value: string): readonly [string, string] => [name, value]

/** What a page of another origin, or no page, sends with a write. */
export const ORIGINS: readonly (readonly [string, string])[] = [
  ...['', ...list('cross-site ¦ same-site ¦ none ¦ same-origin2 ¦ SAME-ORIGIN ¦ null')].map(named('Sec-Fetch-Site')),
  ...list('null ¦ https://evil.example ¦ http://127.0.0.1 ¦ http://127.0.0.1.evil.example ¦ file:// ¦ * ¦ \xff').map(
    named('Origin'),
  ),
  ['Origin', ''],
  ['X-Forwarded-Host', 'evil.example'],
]

const HEADER_NAMES =
  list(`Last-Event-ID ¦ Last-Event-ID ¦ Accept ¦ Accept ¦ Content-Type ¦ Content-Encoding ¦ Cookie ¦ Origin
  Sec-Fetch-Site ¦ Accept-Encoding ¦ If-None-Match ¦ Range ¦ X-Forwarded-For ¦ X-Forwarded-Proto ¦ X-HTTP-Method-Override
  Referer ¦ DNT ¦ __proto__ ¦ constructor ¦ User-Agent ¦ Access-Control-Request-Method ¦ CF-Connecting-IP ¦ Forwarded ¦ Date`)

const HEADER_VALUES = [
  ...list(`*/*;q=abc ¦ ,,, ¦ ;;; ¦ application/x-ndjson;q=0 ¦ application/json;q=NaN ¦ text/html ¦ q=1 ¦ */* ¦ bytes=0-1,-5
    gzip;q=1e9 ¦ " ¦ "\\" ¦ W/"`),
  ...[','.repeat(5000), ';q='.repeat(2000), `${'text/a;q=0.1,'.repeat(500)}application/x-ndjson`],
]

/** A header that may be there, with a value that should not. */
export function header(random: Random): [string, string] {
  return [random.pick(HEADER_NAMES), random.pick(random.chance(0.5) ? TEXTS : HEADER_VALUES)]
}

export const HOSTS: readonly string[] = [
  ...list(`evil.example ¦ 127.0.0.1:99999 ¦ [::1 ¦ [::1]:80 ¦ a b ¦ a/b ¦ a?b ¦ a#b ¦ user:pw@host ¦ % ¦ %00 ¦ \xff ¦ .. ¦ xn--
    localhost:abc ¦ 1.1.1 ¦ 0x7f.1 ¦ EXAMPLE.com ¦ a,b ¦ a\\b ¦ <x> ¦ :: ¦ :80`),
  ...['', ' ', 'a'.repeat(3000)],
]
