import { describe, expect, it } from 'vitest'
import { createRemote, parseAddress } from '../../../src/cli/remote.ts'

describe('parseAddress', () => {
  it.each([
    ['http://host/monitor', 'http://host/monitor'],
    ['https://host:8443/a/b/', 'https://host:8443/a/b'],
    ['http://host/monitor/stream', 'http://host/monitor'],
    ['http://host/stream', 'http://host'],
    ['http://host', 'http://host/monitor'],
    ['http://host/', 'http://host/monitor'],
    ['http://host/logs', 'http://host/logs'],
    ['localhost:8787', 'http://localhost:8787/monitor'],
    ['127.0.0.1:8787/x', 'http://127.0.0.1:8787/x'],
    ['[::1]:8787', 'http://[::1]:8787/monitor'],
    ['logs.example.com', 'https://logs.example.com/monitor'],
    ['logs.example.com:8787/ops', 'https://logs.example.com:8787/ops'],
  ])('%s is the monitor %s', (text, base) => {
    expect(parseAddress(text)).toEqual({ base, token: undefined })
  })

  it('takes the token of a link that the server printed', () => {
    expect(parseAddress('http://127.0.0.1:8787/monitor#token=a-b_c')).toEqual({
      base: 'http://127.0.0.1:8787/monitor',
      token: 'a-b_c',
    })
    // Its base may be the root.
    expect(parseAddress('http://127.0.0.1:8787#token=x')).toEqual({ base: 'http://127.0.0.1:8787', token: 'x' })
  })

  it.each([
    '',
    'http://',
    'ftp://host',
    'http://user:secret@host/',
    'http://host/monitor?token=secret',
  ])('refuses "%s" without repeating it', (text) => {
    expect(() => parseAddress(text)).toThrow(/^The address /)
    expect(() => parseAddress(text)).not.toThrow(/secret/)
  })
})

describe('createRemote', () => {
  it('refuses a token that cannot stand in a header, without repeating it', () => {
    expect(() => createRemote('http://host', 'two words')).toThrow(/^The token is not 1 to 4096 visible/)
  })
})
