/**
 * What a line of plain text tells of itself: its level, its time where that is written with its zone, and the fields of a few
 * widespread formats. One table, read from its top; a line that fits none is an `info` of its arrival time. A level is believed
 * only where a logger writes it, never in running text: "no errors found" is no error.
 */
import { type Level, levelRank } from '../log.ts'
import { readTime } from '../time.ts'
import { HEAD_LENGTH, readHead } from './head.ts'
import { logfmtValue, readLogfmt } from './logfmt.ts'
import { namedLevel, type Reading } from './reading.ts'

/** A format of lines. */
export interface LineFormat {
  readonly name: string
  /** Lines as programs print them; the tests and docs/input.md read them too. */
  readonly examples: readonly string[]
  /** What it tells; undefined when the line is of another format. The text has no colour codes. */
  read(text: string): Reading | undefined
}

/** By syslog's severity, 0 to 7 (RFC 5424, section 6.2.1). */
const SEVERITIES: readonly Level[] = ['fatal', 'fatal', 'fatal', 'error', 'warn', 'info', 'info', 'debug']

/** The letters of klog and of Ruby's logger. */
const LETTERS: Readonly<Record<string, Level>> = { D: 'debug', I: 'info', W: 'warn', E: 'error', F: 'fatal', A: 'info' }

/** The characters of Redis: debug, verbose, notice, warning. Its warnings are what goes wrong. */
const REDIS_LEVELS: Readonly<Record<string, Level>> = { '.': 'debug', '-': 'debug', '*': 'info', '#': 'warn' }

const ACCESS =
  /^(\S+) \S+ (\S+) \[(\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "([^"\\]*(?:\\.[^"\\]*)*)" (\d{3}) (\d+|-)(?: "([^"\\]*(?:\\.[^"\\]*)*)" "([^"\\]*(?:\\.[^"\\]*)*)")?/
const REQUEST = /^([A-Z]{1,20}) (\S+)(?: (HTTP\/[\d.]+))?$/
const REQUEST_LINE = /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (\/\S*) ([1-5]\d\d)(?= |$)/
const SYSLOG_5424 = /^<(\d{1,3})>1 (\S+) (\S+) (\S+) (\S+) (\S+) /
const SYSLOG_PRIORITY = /^<(\d{1,3})>(?=\S)/
const SYSLOG_HEAD = /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (\S+) ([^\s:[\]]+)(?:\[(\d+)\])?: /
const KLOG = /^([IWEF])\d{4} \d\d:\d\d:\d\d\.\d{6}\s+\d+ \S+\]/
const RUBY_LOGGER = /^([DIWEFA]), \[\S+ #\d+\]/
const REDIS = /^\d+:[A-Z] \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} ([.\-*#]) /
const NPM = /^npm (ERR!|error|WARN|warn)(?= )/
const ASP_NET = /^(trce|dbug|info|warn|fail|crit): \S+\[\d+\]$/

const TRACE_START =
  /^(?:Traceback \(most recent call last\):|panic: |fatal error: |thread '[^']*'(?: \(\d+\))? panicked at |Unhandled exception\b|Exception in thread "|Uncaught |PHP (?:Fatal|Parse) error: )/
const EXCEPTION =
  /^(?:[A-Za-z_$][\w$]*[.:/]{1,2})*(?:[A-Z_][\w$]*)?(?:Error|Exception|Throwable)(?: \[[A-Z_\d]+\])?(?:: |:?$)/
const AT_PLACE = /^\S+:\d+(?::\d+)?: (?:fatal )?(error|warning|note|\w+Warning): /
const RUBY_ERROR = /^\S+:\d+:in [`'].*\(\w+(?:::\w+)*\)$/

/** The table, the rarest mistakes first. */
export const FORMATS: readonly LineFormat[] = [
  {
    name: 'access log of nginx, Apache and others (common, combined)',
    examples: [
      '203.0.113.9 - alice [23/Nov/2026:10:00:00 +0100] "GET /cart?id=7 HTTP/1.1" 502 157 "https://shop.example/" "Mozilla/5.0"',
      '127.0.0.1 - - [23/Nov/2026:10:00:00 +0000] "GET /missing HTTP/1.0" 404 153',
    ],
    read(text) {
      const found = ACCESS.exec(text)
      if (found === null) return undefined
      const [, remoteAddress, user, time = '', request = '', status, bytes, referer, userAgent] = found
      const [, method, path, protocol] = REQUEST.exec(request) ?? []
      return {
        level: statusLevel(Number(status)),
        ts: accessTime(time),
        context: {
          remoteAddress,
          ...(user !== '-' && { user }),
          ...(method === undefined ? { request } : { method, path }),
          ...(protocol !== undefined && { protocol }),
          status: Number(status),
          bytes: bytes === '-' ? 0 : Number(bytes),
          ...(referer !== undefined && referer !== '-' && { referer }),
          ...(userAgent !== undefined && userAgent !== '-' && { userAgent }),
        },
      }
    },
  },
  {
    name: 'request line of development servers (morgan)',
    examples: ['GET /cart 500 12.345 ms - 157'],
    read(text) {
      const [, method, path, status] = REQUEST_LINE.exec(text) ?? []
      if (method === undefined) return undefined
      return { level: statusLevel(Number(status)), context: { method, path, status: Number(status) } }
    },
  },
  {
    name: 'syslog, RFC 5424',
    examples: ["<34>1 2026-11-23T10:00:00.003Z web-1 su 42 ID47 - 'su root' failed for lonvick on /dev/pts/8"],
    read(text) {
      const [, priority, time, host, app, pid, msgid] = SYSLOG_5424.exec(text) ?? []
      const level = severityLevel(priority)
      if (level === undefined) return undefined
      const named = Object.entries({ host, app, pid: logfmtValue(pid as string), msgid }).filter(
        ([, value]) => value !== '-',
      )
      return { level, ts: readTime(time), context: Object.fromEntries(named) }
    },
  },
  {
    name: 'syslog, RFC 3164, and lines with its priority (sd-daemon)',
    examples: [
      "<34>Oct 11 22:14:15 web-1 su[42]: 'su root' failed for lonvick on /dev/pts/8",
      '<3>cannot open the socket',
    ],
    read(text) {
      const found = SYSLOG_PRIORITY.exec(text)
      const level = severityLevel(found?.[1])
      if (found === null || level === undefined) return undefined
      return { level, context: readSyslogHead(text.slice(found[0].length))?.context }
    },
  },
  {
    name: 'syslog files and journalctl',
    examples: ['Oct 11 22:14:15 web-1 app[42]: ERROR cannot open the socket'],
    read: readSyslogHead,
  },
  {
    name: 'logfmt (Go, Grafana, Heroku)',
    examples: ['time=2026-11-23T10:00:00.123Z level=error msg="payment failed" order=7 took=1.5s'],
    read: readLogfmt,
  },
  {
    name: 'klog (Kubernetes)',
    examples: ['E1123 10:00:00.123456    4242 controller.go:114] cannot sync'],
    read(text) {
      const letter = KLOG.exec(text)?.[1]
      return letter === undefined ? undefined : { level: LETTERS[letter] }
    },
  },
  {
    name: "Ruby's logger (Rails)",
    examples: ['E, [2026-11-23T10:00:00.123456 #4242] ERROR -- : cannot render'],
    read(text) {
      const letter = RUBY_LOGGER.exec(text)?.[1]
      return letter === undefined ? undefined : { level: LETTERS[letter] }
    },
  },
  {
    name: 'Redis',
    examples: ["4242:M 23 Nov 2026 10:00:00.123 # Can't save in background: fork: Out of memory"],
    read(text) {
      const mark = REDIS.exec(text)?.[1]
      return mark === undefined ? undefined : { level: REDIS_LEVELS[mark] }
    },
  },
  {
    name: 'npm',
    examples: ['npm ERR! code ELIFECYCLE', 'npm warn deprecated glob@7.2.3'],
    read(text) {
      const word = NPM.exec(text)?.[1]
      return word === undefined ? undefined : { level: /^w/i.test(word) ? 'warn' : 'error' }
    },
  },
  {
    name: "ASP.NET's console",
    examples: ['fail: Microsoft.AspNetCore.Server.Kestrel[13]'],
    read(text) {
      const word = ASP_NET.exec(text)?.[1]
      return word === undefined ? undefined : { level: word === 'fail' ? 'error' : namedLevel(word) }
    },
  },
  {
    name: 'exceptions, panics and what compilers print',
    examples: [
      "TypeError: Cannot read properties of undefined (reading 'id')",
      'java.lang.IllegalStateException: closed',
      'Traceback (most recent call last):',
      'panic: runtime error: index out of range [3] with length 3',
      "thread 'main' panicked at src/main.rs:2:5:",
      "app.rb:3:in 'Object#pay': no card (RuntimeError)",
      'src/main.c:10:5: error: expected expression',
      'app.py:7: DeprecationWarning: use pay() instead',
    ],
    read(text) {
      const head = text.slice(0, HEAD_LENGTH)
      if (TRACE_START.test(head)) return { level: head.startsWith('panic: ') ? 'fatal' : 'error' }
      if (EXCEPTION.test(head) || RUBY_ERROR.test(head)) return { level: 'error' }
      const word = AT_PLACE.exec(head)?.[1]
      if (word === undefined) return undefined
      return { level: word === 'error' ? 'error' : word === 'note' ? 'info' : 'warn' }
    },
  },
  {
    name: 'level at the start, or after time, thread, logger and the like',
    examples: [
      'ERROR cannot open the socket',
      'WARN: disk at 91 %',
      '[warn] disk at 91 %',
      'error: cannot open the socket',
      'WARNING:root:disk at 91 %',
      '(node:4242) MaxListenersExceededWarning: Possible memory leak',
      '2026/11/23 10:00:00 [error] 31#31: *1 connect() failed (111: Connection refused)',
      '[Mon Nov 23 10:00:00.123456 2026] [core:error] [pid 42:tid 43] AH00124: too many redirects',
      '2026-11-23 10:00:00,123 - shop.cart - ERROR - payment failed',
      '10:00:00.123 [main] ERROR com.example.Cart - payment failed',
      '2026-11-23T10:00:00.123+01:00 ERROR 4242 --- [main] com.example.Cart : payment failed',
      '2026-11-23 10:00:00.123 UTC [4242] shop@db ERROR:  relation "cart" does not exist',
      '2026-11-23T10:00:00.123456Z 0 [ERROR] [MY-010119] [Server] Aborting',
      '[2026-11-23T10:00:00Z ERROR shop::cart] payment failed',
      '[10:00:00 ERR] payment failed',
      '[2026-11-23 10:00:00] production.ERROR: payment failed',
      '[10:00:00.123] ERROR (4242): payment failed',
      '2026-11-23 10:00:00.123 | ERROR    | shop.cart:pay:7 - payment failed',
      '[Nest] 4242  - 11/23/2026, 10:00:00 AM   ERROR [Cart] payment failed',
      'web-1  | 10:00:00 ERROR payment failed',
    ],
    read(text) {
      return readHead(text.slice(0, HEAD_LENGTH))
    },
  },
]

/** What a line tells; nothing when it fits no format. The text has no colour codes. */
export function readLine(text: string): Reading {
  for (const format of FORMATS) {
    const reading = format.read(text)
    if (reading !== undefined) return reading
  }
  return {}
}

/** Whether a line starts an exception or a panic, rather than a message of a logger. */
export function isException(text: string): boolean {
  const head = text.slice(0, HEAD_LENGTH)
  return TRACE_START.test(head) || EXCEPTION.test(head)
}

/** Whether a logger says in a line that something went wrong, so that an exception on the next line is what it speaks of. */
export function isComplaint(text: string): boolean {
  if (isException(text) || ACCESS.test(text)) return false
  const { level } = readLine(text)
  return level !== undefined && levelRank(level) >= levelRank('warn')
}

function statusLevel(status: number): Level {
  return status >= 500 ? 'error' : status >= 400 ? 'warn' : 'info'
}

function severityLevel(priority: string | undefined): Level | undefined {
  // 191 is the last: facility 23, severity 7.
  return priority === undefined || Number(priority) > 191 ? undefined : SEVERITIES[Number(priority) % 8]
}

/** `23/Nov/2026:10:00:00 +0100`. Many lines are of the same second. */
function accessTime(text: string): string | undefined {
  if (text !== lastAccess) {
    const month = 'JanFebMarAprMayJunJulAugSepOctNovDec'.indexOf(text.slice(3, 6)) / 3 + 1
    const date = `${text.slice(7, 11)}-${String(month).padStart(2, '0')}-${text.slice(0, 2)}`
    lastAccessTime = readTime(`${date}T${text.slice(12, 20)}${text.slice(21)}`)
    lastAccess = text
  }
  return lastAccessTime
}

let lastAccess = ''
let lastAccessTime: string | undefined

/** Without a year and a zone its time is not one that can be relied on. */
function readSyslogHead(text: string): Reading | undefined {
  const found = SYSLOG_HEAD.exec(text)
  if (found === null) return undefined
  const [head, host, app, pid] = found
  const inner = readLine(text.slice(head.length))
  return { ...inner, context: { host, app, ...(pid !== undefined && { pid: Number(pid) }), ...inner.context } }
}
