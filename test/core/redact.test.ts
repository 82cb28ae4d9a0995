import { describe, expect, it } from 'vitest'
import type { JsonObject, LogRecord } from '../../src/log.ts'
import { createMonitor } from '../../src/monitor.ts'
import { normalizeEntry } from '../../src/normalize.ts'
import { readOwnForm } from '../../src/own-form.ts'
import { createRedactor, DEFAULT_REDACT_PATHS } from '../../src/redact.ts'
import { memorySource } from '../../src/sources/memory.ts'

function redacted(paths: readonly string[], input: JsonObject): JsonObject {
  const { entry, json } = createRedactor(paths)(normalizeEntry(input))
  expect(JSON.parse(json)).toEqual(entry)
  return entry.context
}

describe('createRedactor', () => {
  it('hides common secrets, down to four levels, and nothing else', () => {
    const input = {
      password: 'x',
      user: { name: 'Ann', password: 'x', tokens: 3 },
      req: { url: '/', headers: { Authorization: 'x', cookie: 'x', host: 'h' } },
      err: { config: { auth: { client_secret: 'x' } } },
      items: [{ token: 'x' }, { token: 'x' }],
      'x-api-key': 'x',
      'X-API-KEY': 'x',
      PASSWORD: 'x',
    }
    expect(redacted(DEFAULT_REDACT_PATHS, input)).toEqual({
      password: '[REDACTED]',
      user: { name: 'Ann', password: '[REDACTED]', tokens: 3 },
      req: { url: '/', headers: { Authorization: '[REDACTED]', cookie: '[REDACTED]', host: 'h' } },
      err: { config: { auth: { client_secret: '[REDACTED]' } } },
      items: [{ token: '[REDACTED]' }, { token: '[REDACTED]' }],
      'x-api-key': '[REDACTED]',
      'X-API-KEY': '[REDACTED]',
      PASSWORD: '[REDACTED]',
    })
  })

  it.each([
    ['context.user.name', { user: { name: '[REDACTED]', id: 1 }, name: 'x' }],
    ['*.name', { user: { name: 'x', id: 1 }, name: '[REDACTED]' }],
    ['context.user.*', { user: { name: '[REDACTED]', id: '[REDACTED]' }, name: 'x' }],
    ['context["name"]', { user: { name: 'x', id: 1 }, name: '[REDACTED]' }],
  ])('follows the path %s', (path, context) => {
    expect(redacted([path], { user: { name: 'x', id: 1 }, name: 'x' })).toEqual(context)
  })

  it('hides a message', () => {
    expect(createRedactor(['message'])(normalizeEntry({ message: 'x' })).entry.message).toBe('[REDACTED]')
  })

  it('gives back the very record in which there is nothing to hide', () => {
    const record = normalizeEntry({ message: 'password: is a word here', context: { passwords: 1 } })
    expect(createRedactor(DEFAULT_REDACT_PATHS)(record)).toBe(record)
  })

  it('hides what a text that is kept as it came says twice, whichever a parser would see', () => {
    const fields = '"context":{"user":{"token":"first","token":"last"}}'
    const record = readOwnForm(`{"ts":"2026-01-01T00:00:00.000Z","level":"info","message":"m",${fields}}`)
    const { json } = createRedactor(DEFAULT_REDACT_PATHS)(record as LogRecord)
    expect(json).toContain('[REDACTED]')
    expect(json).not.toMatch(/first|last/)
  })

  it('finds a field whose name JSON escapes, and one that a pattern would read as one', () => {
    for (const name of ['a\\b', 'a.b', 'a+b', '(a|b)']) {
      expect(redacted([`context["${name}"]`], { [name]: 'x', b: 'y' })).toEqual({ [name]: '[REDACTED]', b: 'y' })
    }
  })

  it.each([
    '',
    '..',
    'a[',
    'level',
    'ts',
    '*',
    'context',
    'email',
    'message.x',
    'user.password',
  ])('refuses the path %j', (path) => {
    expect(() => createRedactor([path])).toThrow(expect.objectContaining({ code: 'invalid_setting' }))
  })
})

describe('the option redact', () => {
  it('is on by default for what the program logs itself, and can be switched off', async () => {
    for (const [redact, password] of [
      [undefined, '[REDACTED]'],
      [false, 'hunter2'],
      [['context.other'], '[REDACTED]'],
    ] as const) {
      const monitor = createMonitor({ source: memorySource(), token: 'secret', redact })
      monitor.log('info', 'm', { password: 'hunter2' })
      expect((await monitor.getLastLogs())[0]?.context).toEqual({ password })
    }
  })
})
