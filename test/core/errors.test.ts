import { describe, expect, it } from 'vitest'
import { type ErrorCode, MonitorError, toMonitorError, tooManyClients } from '../../src/errors.ts'

describe('MonitorError', () => {
  it.each<[ErrorCode, number, boolean]>([
    ['unauthorized', 401, false],
    ['forbidden', 403, false],
    ['not_found', 404, false],
    ['method_not_allowed', 405, false],
    ['invalid_query', 400, false],
    ['invalid_body', 400, false],
    ['invalid_entry', 400, false],
    ['invalid_setting', 503, false],
    ['body_too_large', 413, false],
    ['unsupported_media_type', 415, false],
    ['too_many_clients', 503, true],
    ['not_configured', 503, false],
    ['draining', 503, true],
    ['source_unavailable', 503, true],
    ['internal', 500, true],
  ])('%s is answered with %i, retryable: %s', (code, status, retryable) => {
    const cause = new Error('inner')
    const error = new MonitorError(code, 'A sentence.', { cause })
    expect(error).toBeInstanceOf(Error)
    expect({ ...error, status: error.status, retryable: error.retryable }).toEqual({
      name: 'MonitorError',
      code,
      status,
      retryable,
    })
    expect(error.message).toBe('A sentence.')
    expect(error.cause).toBe(cause)
  })
})

describe('toMonitorError', () => {
  it('gives our own errors back', () => {
    const error = tooManyClients()
    expect(toMonitorError(error)).toBe(error)
    expect(error.message).toBe('All places for clients are taken. Try again in a moment.')
  })

  it.each([
    new Error('secret /etc/path'),
    'secret',
    undefined,
    { code: 'forbidden', message: 'secret' },
  ])('keeps what is foreign out of the message (case %#)', (cause) => {
    const error = toMonitorError(cause)
    expect(error).toMatchObject({ code: 'internal', cause })
    expect(error.message).not.toContain('secret')
  })
})
