import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileFilter, type FilterQuery } from '../../../src/filter/filter.ts'
import { MAX_QUERY_LENGTH } from '../../../src/filter/parse.ts'
import { type JsonObject, LEVELS, type Level, type LogEntry } from '../../../src/log.ts'

/** What the language takes for more than a word. */
const OPERATOR = /^[-(/]|[():=<>]|^(?:OR|AND|NOT)$/

function entry(message: string, context: JsonObject = {}, level: Level = 'info'): LogEntry {
  return { ts: '2024-05-06T07:08:09.123Z', level, message, context }
}

function passes(query: FilterQuery, ...args: Parameters<typeof entry>): boolean {
  return compileFilter(query).matches(entry(...args))
}

describe('a filter', () => {
  it('lets the level and what is graver through', () => {
    LEVELS.forEach((minimum, rank) => {
      const passed = LEVELS.filter((level) => passes({ level: minimum }, 'm', {}, level))
      expect(passed).toEqual(LEVELS.slice(rank))
    })
  })

  it('wants every word, in the message or in the context, in any case', () => {
    const context = { User: 'Zoë', order: { id: 'A-17' } }
    expect(passes({ q: 'PAYMENT zoë a-17' }, 'payment failed', context)).toBe(true)
    expect(passes({ q: 'payment  \t order' }, 'payment failed', context)).toBe(true)
    expect(passes({ q: 'payment missing' }, 'payment failed', context)).toBe(false)
    expect(passes({ q: 'mentfai' }, 'payment failed', context)).toBe(false)
  })

  it('wants level and words both', () => {
    expect(passes({ level: 'error', q: 'disk' }, 'disk full', {}, 'fatal')).toBe(true)
    expect(passes({ level: 'error', q: 'disk' }, 'disk full', {}, 'warn')).toBe(false)
    expect(passes({ level: 'error', q: 'disk' }, 'net down', {}, 'fatal')).toBe(false)
  })

  it('takes words in double quotes as one phrase, also when the quote is not closed', () => {
    expect(passes({ q: '"disk full"' }, 'the disk full of logs')).toBe(true)
    expect(passes({ q: '"disk full"' }, 'the disk is full')).toBe(false)
    expect(passes({ q: '"disk full' }, 'the disk is full')).toBe(false)
    expect(passes({ q: '"a b" c' }, 'c a b')).toBe(true)
  })

  it('finds text with a backslash or a line break in the context, where JSON escapes it', () => {
    const context = { path: 'C:\\temp\\app.log', text: 'one\ntwo' }
    expect(passes({ q: 'c:\\TEMP' }, 'm', context)).toBe(true)
    expect(passes({ q: '"one\ntwo"' }, 'm', context)).toBe(true)
    expect(passes({ q: 'c:\\temp' }, 'C:\\temp')).toBe(true)
  })

  it('finds every word of what it looks for, wherever that stands', () => {
    const word = fc
      .string({ unit: 'binary', minLength: 1 })
      .filter((text) => !/[\s"]/.test(text) && !OPERATOR.test(text))
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const text = words.join(' ')
        expect(passes({ q: text }, text)).toBe(true)
        expect(passes({ q: `"${text}"` }, '', { text })).toBe(true)
        expect(passes({ q: text }, '', { list: words })).toBe(true)
      }),
    )
  }, 30_000)

  it.each([
    {},
    { q: '' },
    { q: ' \t' },
    { q: '""' },
    { level: 'trace' as const },
  ])('%j lets everything through', (q) => {
    expect(compileFilter(q).key).toBe('')
    expect(passes(q, '', {}, 'trace')).toBe(true)
  })
})

describe('words alone', () => {
  /** As filters were before there was a language. */
  function passedBefore(q: string, { message, context }: LogEntry): boolean {
    const words = [...q.toLowerCase().matchAll(/"([^"]*)"?|(\S+)/g)].map(([, phrase, word]) => phrase ?? word ?? '')
    const json = JSON.stringify(context).toLowerCase()
    return words.every(
      (word) => message.toLowerCase().includes(word) || json.includes(JSON.stringify(word).slice(1, -1)),
    )
  }

  const texts = fc.string({
    unit: fc.constantFrom(..."aAbB1é.,;!?[]{}\\'_*+#%&@|~-:=/<>()"),
    minLength: 1,
    maxLength: 4,
  })
  const words = texts.filter((text) => !OPERATOR.test(text))
  const phrases = fc.array(texts, { minLength: 1, maxLength: 3 }).map((parts) => `"${parts.join(' ')}"`)

  it('mean what they meant', () => {
    const queries = fc.array(fc.oneof(words, phrases), { maxLength: 4 }).map((parts) => parts.join(' '))
    fc.assert(
      fc.property(queries, texts, fc.dictionary(texts, texts, { maxKeys: 2 }), (q, message, context) => {
        const candidates = [entry(message, context), entry(q.replaceAll('"', ''), context), entry(message, { q })]
        for (const each of candidates) expect(compileFilter({ q }).matches(each)).toBe(passedBefore(q, each))
      }),
      { numRuns: 500 },
    )
  }, 30_000)

  it.each([
    'http://10.0.0.1:8080/x?a=b&c=d',
    'https://example.org/*',
    '12:30:45',
    '12:30:45.123Z',
    'key=value',
    'a=b=c',
    'x==y',
    'base64==',
    '-',
    '--verbose',
    '->',
    '-->',
    '-=',
    'a-b',
    'a->b',
    'a->5',
    'fn()',
    'fn(a,b)',
    '()',
    'List<String>',
    '<div>',
    'x>y',
    '>',
    'ann@example.org',
    'mailto:ann@example.org',
    'localhost:8080',
    'pool.js:10:5',
    'std::vector',
    'node:internal/modules',
    'failed:',
    ':8080',
    '::1',
    '[::1]:80',
    'fe80::1%eth0',
    'aa:bb:cc:dd:ee:ff',
    'C:\\temp\\app.log',
    '\\\\server\\share',
    '/var/log',
    '/var/log/app.log',
    '/',
    '//',
    '...',
    'count(*)',
    '*',
    '50%',
    'or',
    'and',
    'not',
    'ORDER',
    'NOTE',
    '{"level":50}',
    'arn:aws:s3:::bucket',
    'sha256:9f86d0',
    '__proto__:x',
    'msg="x',
    'λ:μ',
    'a"b',
    '10ms)',
  ])('%s finds the text that was pasted', (q) => {
    expect(passes({ q }, `<<< ${q} >>>`)).toBe(true)
    expect(passes({ q }, 'm', { line: `<<< ${q} >>>` })).toBe(true)
    expect(passes({ q }, 'm')).toBe(false)
  })
})

describe('the language', () => {
  const context: JsonObject = {
    status: 503,
    n: '41.5',
    ok: true,
    user: { id: 7, 'first.name': 'Ann', roles: ['admin', { at: 'x' }] },
    'http.request.method': 'GET',
    started: '2026-11-23T10:00:00+01:00',
    epoch: 1_795_000_000,
    empty: '',
    nothing: null,
    list: [[1, 2], []],
    'odd "name"': 'a*b',
    level: 'audit',
    deep: { context: { x: 1 } },
  }
  const yes = (q: string, level: Level = 'info'): void =>
    expect(passes({ q }, 'Payment failed', context, level), q).toBe(true)
  const no = (q: string, level: Level = 'info'): void =>
    expect(passes({ q }, 'Payment failed', context, level), q).toBe(false)

  it('binds not before and before or', () => {
    yes('nope OR payment failed')
    no('(nope OR payment) nope')
    yes('nope nope OR payment')
    yes('-nope payment')
    no('-(nope OR payment)')
    yes('-(nope payment)')
    yes('NOT NOT payment')
    no('NOT -nope NOT payment')
    yes('(((payment)))')
    yes('(payment)(failed)')
    yes('payment AND NOT nope')
    yes('"" payment ""')
    yes('-nope OR nope')
    yes('(fn() OR payment)')
  })

  it('compares values', () => {
    for (const q of [
      'status:503',
      'status=503',
      'status:5*',
      'status:503.0',
      'status>502',
      'status:>=503',
      'status<=503',
    ])
      yes(q)
    for (const q of ['status:"50"', 'status>503', 'status<503', 'status:"5*"', 'status:*4']) no(q)
    for (const q of ['n>41', 'n<42', 'n:41.5', 'ok:TRUE', 'empty:""', 'nothing:null', 'user.id>-1', 'user.id<7.5e0'])
      yes(q)
    for (const q of ['ok>0', 'missing>0', 'missing<0', '-status>=500', 'user>0', 'user:"7"']) no(q)
  })

  it('compares times', () => {
    for (const q of [
      'started>=2026-11-23T09:00',
      'started<2026-11-23T09:01Z',
      'epoch>2026-11-01',
      'epoch<"2026-12-01 10:00"',
    ])
      yes(q)
    for (const q of ['started>2026-11-23T09:00', 'started>=2026-11-23T10:30+01:00', 'n>2020-01-01', 'ok<2030-01-01'])
      no(q)
    expect(passes({ q: 'ts>=2024-05-06T07:08:09.123Z ts<2024-05-06T09:08:10+02:00' }, 'm')).toBe(true)
    expect(passes({ q: 'ts>1714979289123' }, 'm')).toBe(false)
    expect(passes({ q: 'ts:2024-05-06T07' }, 'm')).toBe(true)
    expect(passes({ q: 'ts:2024-*-06' }, 'm')).toBe(true)
    expect(passes({ q: 'ts:2024-05-07' }, 'm')).toBe(false)
  })

  it('finds fields by path, in lists and under names with dots', () => {
    for (const q of [
      'user.first.name:"ann"',
      '"user.first.name":"ann"',
      'context.user.id:"7"',
      'http.request.method:"get"',
    ])
      yes(q)
    for (const q of [
      'user.roles:"admin"',
      'user.roles.0:"admin"',
      'user.roles.at:"x"',
      'user.roles.1.at:"x"',
      'list:"2"',
    ])
      yes(q)
    for (const q of [
      'user.roles.1:"admin"',
      'user.roles.at.0:"x"',
      'list.0:"3"',
      'list.9:*',
      'User.id:"7"',
      'user..id:"7"',
    ])
      no(q)
    for (const q of [
      '"odd ""name""":"a*b"',
      'context.level:"audit"',
      'deep.context.x:"1"',
      'user.*:"ann"',
      'http.*:get*',
    ])
      yes(q)
    for (const q of ['*:"admin"', 'u*r.id:"7"', 'user.*.at:"x"', '*.x:"1"']) yes(q)
    for (const q of ['"user.*":"ann"', 'user.*:"bob"', 'x*:*', '-*:*']) no(q)
  })

  it('knows whether a field is there', () => {
    for (const q of ['status:*', 'user:*', 'list:*', 'empty:*', '-nothing:*', '-missing:*', 'user.*:*']) yes(q)
    for (const q of ['-status:*', 'nothing:*', 'missing:*', 'status.x:*']) no(q)
  })

  it('knows an object by its own fields only', () => {
    for (const name of [
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      'user.constructor',
      'user.__proto__.x',
    ]) {
      no(`${name}:*`)
      no(`${name}:/./`)
      no(`${name}.name:*`)
    }
    expect(passes({ q: '__proto__.a:"1"' }, 'm', JSON.parse('{"__proto__":{"a":1}}') as JsonObject)).toBe(true)
    expect(passes({ q: 'length:*' }, 'm', { list: [1] })).toBe(false)
    expect(passes({ q: 'list.length:*' }, 'm', { list: [1] })).toBe(false)
  })

  it('knows the levels by their names and ranks', () => {
    const passed = (q: string): Level[] => LEVELS.filter((level) => passes({ q }, 'm', {}, level))
    expect(passed('level:error')).toEqual(['error'])
    expect(passed('level=WARNING')).toEqual(['warn'])
    expect(passed('level:"err"')).toEqual(['error'])
    expect(passed('level>=warn')).toEqual(['warn', 'error', 'fatal'])
    expect(passed('level>warn')).toEqual(['error', 'fatal'])
    expect(passed('level<=debug')).toEqual(['trace', 'debug'])
    expect(passed('level<debug')).toEqual(['trace'])
    expect(passed('level:<debug OR level:fatal')).toEqual(['trace', 'fatal'])
    expect(passed('-level:info')).toEqual(['trace', 'debug', 'warn', 'error', 'fatal'])
    expect(passed('level>=warn -level:fatal')).toEqual(['warn', 'error'])
  })

  it('searches by expressions', () => {
    for (const q of [
      '/pay.*failed$/i',
      '/"status":5\\d\\d/',
      '/^Payment (failed|lost)$/',
      'user.id:/^\\d$/',
      'ok:/true/',
      '-/x{9}/',
    ])
      yes(q)
    for (const q of ['/^payment/', 'status:/^4/', 'message:/503/', 'user:/./', '-/failed/', 'missing:/.*/']) no(q)
    yes('(/PAYMENT/i)')
    yes('http.request.method:/ge[st]|T/i')
    yes('/Payment\\/?/')
    yes('/[/]|failed/')
  })

  it('needs the field alone where the value is in quotes, but takes logfmt as text', () => {
    expect(passes({ q: 'user:"ann"' }, 'user:"ann" user:ann user="ann"')).toBe(false)
    expect(passes({ q: 'user="ann lee"' }, 'login user="ann lee" ok')).toBe(true)
    expect(passes({ q: 'user="ann lee"' }, 'm', { user: 'Ann Lee' })).toBe(true)
  })
})

describe('the key of a filter', () => {
  const key = (query: FilterQuery): string => compileFilter(query).key

  it('is equal for filters that let the same entries through', () => {
    expect(key({ q: 'B a' })).toBe(key({ q: ' a "b" A' }))
    expect(key({ level: 'trace', q: 'a' })).toBe(key({ q: 'a' }))
    expect(key({ level: 'warn', q: 'a' })).toBe(key({ q: 'a level>=warn' }))
    expect(key({ level: 'warn' })).toBe(key({ q: '-level<warn' }))
    expect(key({ level: 'warn' })).toBe(key({ level: 'warn', q: 'level>=debug' }))
    for (const [one, other] of [
      ['a OR b', 'B OR "a" OR a'],
      ['a (b c)', 'c AND b AND a'],
      ['-(a OR b)', 'NOT b -a'],
      ['-(a -b)', 'b OR -a'],
      ['NOT NOT a', 'a'],
      ['x:"1" y:"2"', 'y:"2" context.x:"1"'],
      ['level:error OR level:fatal', 'level>=error'],
      ['level:info level:warn', '-level>=trace'],
      ['level:info level:warn a', '-level>=trace'],
      ['level>=trace', ''],
      ['level>=trace OR a', ''],
      ['ts>2026-11-23', 'ts>2026-11-23T00:00Z'],
    ] as const)
      expect(key({ q: one }), `${one} and ${other}`).toBe(key({ q: other }))
  })

  it('differs for filters that do not', () => {
    const queries = [
      {},
      { level: 'info' as const },
      { q: 'a b' },
      { q: '"a b"' },
      { q: 'a,b' },
      { level: 'info', q: 'a' },
      { level: 'warn', q: 'a' },
      { q: '-a' },
      { q: 'a OR b' },
      { q: '-(a b)' },
      { q: '/a/' },
      { q: '/a/i' },
      { q: '"/a/"' },
      { q: 'x:a' },
      { q: 'x=a' },
      { q: 'x:"a"' },
      { q: 'x:a*' },
      { q: 'x:"a*"' },
      { q: 'x:/a/' },
      { q: '"x*":"a"' },
      { q: 'x*:"a"' },
      { q: 'x>1' },
      { q: 'x>=1' },
      { q: 'x>1 OR a' },
      { q: 'x>1 a' },
      { q: 'message:a' },
      { q: 'message:/a/' },
      { q: 'ts>2026-11-23' },
      { q: 'ts:2026-11-23' },
      { q: 'level:error' },
      { q: '-level>=trace' },
    ]
    expect(new Set(queries.map((query) => key(query as FilterQuery))).size).toBe(queries.length)
  })
})

describe('a filter that cannot be used', () => {
  it.each(['verbose', 'INFO', '', 'constructor'])('names the level %j', (level) => {
    expect(() => compileFilter({ level: level as Level })).toThrow(
      expect.objectContaining({ code: 'invalid_query', message: expect.stringContaining('level is one of trace') }),
    )
  })

  it('names a q that is too long', () => {
    expect(compileFilter({ q: 'x'.repeat(MAX_QUERY_LENGTH) }).key).not.toBe('')
    expect(() => compileFilter({ q: 'x'.repeat(MAX_QUERY_LENGTH + 1) })).toThrow(
      expect.objectContaining({ code: 'invalid_query', message: expect.stringMatching(/^q .*1024/) }),
    )
  })
})
