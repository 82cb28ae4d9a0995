import { describe, expect, it } from 'vitest'
import { DEFAULT_REDACT_PATHS } from '../../src/redact.ts'
import { readSettings, resolveMonitorSettings } from '../../src/settings.ts'

const DEFAULTS = {
  port: 8787,
  host: '127.0.0.1',
  base: '/monitor',
  retain: 10_000,
  maxClients: 1000,
  maxBody: 1_048_576,
  heartbeatMs: 20_000,
  corsOrigins: [],
  maxGzipRatio: 100,
  bodyTimeoutMs: 30_000,
  redact: DEFAULT_REDACT_PATHS,
  trustedHeaders: [],
  dataSync: 'normal',
  redisKey: 'edgetail',
  tokens: [],
  maxStreams: 100,
  roomClients: 4000,
}

function messageOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    expect(error).toMatchObject({ name: 'MonitorError', code: 'invalid_setting' })
    return (error as Error).message
  }
  throw new Error('It was accepted.')
}

describe('readSettings', () => {
  it('has the documented defaults and no token', () => {
    expect(readSettings({})).toEqual(DEFAULTS)
    expect(readSettings({ PORT: undefined, UNRELATED: 'x', edgetail_token: 'x' })).toEqual(DEFAULTS)
  })

  it('reads every variable', () => {
    const env = {
      PORT: '0',
      HOST: '::1',
      EDGETAIL_BASE: '/ops/logs/',
      EDGETAIL_RETAIN: '5',
      EDGETAIL_MAX_CLIENTS: '6',
      EDGETAIL_MAX_BODY: '7',
      EDGETAIL_HEARTBEAT_MS: '800',
      EDGETAIL_CORS_ORIGINS: ' https://a.example ,http://localhost:3000,',
      EDGETAIL_MAX_CLIENTS_PER_TOKEN: '9',
      EDGETAIL_MAX_GZIP_RATIO: '10',
      EDGETAIL_BODY_TIMEOUT_MS: '1100',
      EDGETAIL_REDACT: 'context.a, message',
      EDGETAIL_TRUSTED_HEADERS: 'X-Forwarded-For',
      EDGETAIL_RETAIN_BYTES: '1200',
      EDGETAIL_RETAIN_MS: '1300',
      EDGETAIL_DATA: './a b.db',
      EDGETAIL_DATA_SYNC: 'full',
      REDIS_URL: 'redis://127.0.0.1:6379/2',
      EDGETAIL_REDIS_KEY: 'app:logs',
      EDGETAIL_TOKENS:
        '[{"token":"s","rights":["read"],"streams":["shop","pay-*"]},{"token":"t","rights":["read","write"]}]',
      EDGETAIL_MAX_STREAMS: '0',
      EDGETAIL_TOKEN: 'both',
      EDGETAIL_READ_TOKEN: 'read+/=',
      EDGETAIL_ROOM_CLIENTS: '7',
      EDGETAIL_WRITE_TOKEN: '007',
    }
    expect(readSettings(env)).toEqual({
      port: 0,
      host: '::1',
      base: '/ops/logs',
      retain: 5,
      retainBytes: 1200,
      retainMs: 1300,
      data: './a b.db',
      dataSync: 'full',
      redisUrl: 'redis://127.0.0.1:6379/2',
      redisKey: 'app:logs',
      roomClients: 7,
      maxClients: 6,
      maxBody: 7,
      heartbeatMs: 800,
      corsOrigins: ['https://a.example', 'http://localhost:3000'],
      maxClientsPerToken: 9,
      maxGzipRatio: 10,
      bodyTimeoutMs: 1100,
      redact: [...DEFAULT_REDACT_PATHS, 'context.a', 'message'],
      trustedHeaders: ['x-forwarded-for'],
      tokens: [
        { token: 's', rights: ['read'], streams: ['shop', 'pay-*'] },
        { token: 't', rights: ['read', 'write'] },
      ],
      maxStreams: 0,
      token: 'both',
      readToken: 'read+/=',
      writeToken: '007',
    })
  })

  it('switches redaction off', () => {
    expect(readSettings({ EDGETAIL_REDACT: 'off' }).redact).toBe(false)
  })

  it('takes the numbers and lists of a Worker as they are', () => {
    const env = { EDGETAIL_RETAIN: 50, EDGETAIL_CORS_ORIGINS: ['https://a.example'], LOGS: { idFromName: () => 1 } }
    expect(readSettings(env)).toEqual({ ...DEFAULTS, retain: 50, corsOrigins: ['https://a.example'] })
  })

  it.each(['', ' \n'])('takes EDGETAIL_TOKENS as %j for not set, as compose files leave it', (text) => {
    expect(readSettings({ EDGETAIL_TOKENS: text }).tokens).toEqual([])
  })

  it.each([
    ['/', ''],
    ['/a/b', '/a/b'],
  ])('takes %s for the base path %j', (path, base) => {
    expect(readSettings({ EDGETAIL_BASE: path }).base).toBe(base)
  })

  it.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', ''],
    ['PORT', '80a'],
    ['PORT', '1e3'],
    ['PORT', 8787.5],
    ['PORT', true],
    ['HOST', ''],
    ['HOST', 'http://x'],
    ['HOST', 5],
    ['EDGETAIL_BASE', 'monitor'],
    ['EDGETAIL_BASE', '/a b'],
    ['EDGETAIL_BASE', '/:id'],
    ['EDGETAIL_BASE', 5],
    ['EDGETAIL_RETAIN', '0'],
    ['EDGETAIL_RETAIN', '9'.repeat(400)],
    ['EDGETAIL_MAX_CLIENTS', '0'],
    ['EDGETAIL_MAX_CLIENTS', 'ten'],
    ['EDGETAIL_MAX_BODY', '1MB'],
    ['EDGETAIL_HEARTBEAT_MS', '1'],
    ['EDGETAIL_CORS_ORIGINS', '*'],
    ['EDGETAIL_CORS_ORIGINS', 'https://a.example/path'],
    ['EDGETAIL_CORS_ORIGINS', 'https://a.example,b.example'],
    ['EDGETAIL_CORS_ORIGINS', 5],
    ['EDGETAIL_MAX_STREAMS', '-1'],
    ['EDGETAIL_MAX_STREAMS', '10001'],
    ['EDGETAIL_TOKENS', '""'],
    ['EDGETAIL_TOKENS', '{}'],
    ['EDGETAIL_TOKENS', '[{'],
    ['EDGETAIL_TOKEN', ''],
    ['EDGETAIL_READ_TOKEN', 'with blank'],
    ['EDGETAIL_WRITE_TOKEN', 'naïve'],
  ])('stops at %s=%j with a sentence that names it', (name, value) => {
    expect(messageOf(() => readSettings({ [name]: value }))).toMatch(new RegExp(`^${name} (is|lists) .*\\.$`))
  })

  it.each([
    ['[7]', /^EDGETAIL_TOKENS\[0\] is an object with token, rights and/],
    ['[{"rights":["read"]}]', /^EDGETAIL_TOKENS\[0\] is an object with token/],
    ['[{"token":"","rights":["read"]}]', /^EDGETAIL_TOKENS\[0\]\.token is 1 to 4096/],
    ['[{"token":"s3cr3t","rights":["read"]},{"token":"s3cr3t"}]', /^EDGETAIL_TOKENS\[1\] is an object with token/],
    ['[{"token":"s3cr3t","rights":[]}]', /^EDGETAIL_TOKENS\[0\]\.rights is a list with read/],
    ['[{"token":"s3cr3t","rights":["admin"]}]', /^EDGETAIL_TOKENS\[0\]\.rights is a list with read/],
    ['[{"token":"s3cr3t","rights":["read"],"streams":[]}]', /^EDGETAIL_TOKENS\[0\]\.streams is a list of names/],
    ['[{"token":"s3cr3t","rights":["read"],"streams":["Shop"]}]', /^EDGETAIL_TOKENS\[0\]\.streams is a list of names/],
    ['[{"token":"s3cr3t","rights":["read"],"streams":["a*b"]}]', /^EDGETAIL_TOKENS\[0\]\.streams is a list of names/],
    ['[{"token":"s3cr3t","rights":["read"],"streams":"shop"}]', /^EDGETAIL_TOKENS\[0\]\.streams is a list of names/],
    ['[{"s3cr3t":["read"],"token":"x","rights":["read"]}]', /^EDGETAIL_TOKENS\[0\] is an object with token/],
    ['["s3cr3t"]', /^EDGETAIL_TOKENS\[0\] is an object with token/],
    ['s3cr3t', /^EDGETAIL_TOKENS is a JSON array such as/],
  ])('stops at the tokens %s and says where, without a token', (text, sentence) => {
    const message = messageOf(() => readSettings({ EDGETAIL_TOKENS: text }))
    expect(message).toMatch(sentence)
    expect(message).not.toContain('s3cr3t')
  })

  it.each(['s3cr3t\n', 5353535353, ['s3cr3t'], { s3cr3t: 1 }])('does not repeat the token %j', (token) => {
    const message = messageOf(() => readSettings({ EDGETAIL_TOKEN: token }))
    expect(message).toBe('EDGETAIL_TOKEN is 1 to 4096 visible ASCII characters without blanks.')
  })
})

describe('resolveMonitorSettings', () => {
  it('fills in defaults and changes nothing of what it was given', () => {
    const options = Object.freeze({ token: 't', maxClients: 3, corsOrigins: Object.freeze(['https://a.example']) })
    expect(resolveMonitorSettings(options)).toMatchObject({
      token: 't',
      maxClients: 3,
      maxBody: 1_048_576,
      heartbeatMs: 20_000,
      corsOrigins: ['https://a.example'],
    })
  })

  it('names the option that cannot be used', () => {
    expect(messageOf(() => resolveMonitorSettings({ maxBody: 0 }))).toMatch(/^maxBody is a whole number from 1 to /)
    expect(messageOf(() => resolveMonitorSettings({ corsOrigins: ['*'] }))).toMatch(/^corsOrigins lists origins /)
  })
})
