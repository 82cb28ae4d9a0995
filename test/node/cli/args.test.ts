import { describe, expect, it } from 'vitest'
import { HELP, readArguments } from '../../../src/cli/args.ts'

describe('readArguments', () => {
  it('serves, with files to follow, unless the first word is a command', () => {
    expect(readArguments([])).toEqual({
      command: 'serve',
      files: [],
      fromStart: false,
      exit: false,
      stream: 'default',
      settings: {},
    })
    expect(readArguments(['./tail', 'a.log', '--from-start', '--port', '0', '--exit'])).toEqual({
      command: 'serve',
      files: ['./tail', 'a.log'],
      fromStart: true,
      exit: true,
      stream: 'default',
      settings: { PORT: '0' },
    })
    expect(readArguments(['a.log', 'tail'])).toMatchObject({ command: 'serve', files: ['a.log', 'tail'] })
    expect(readArguments(['--stream', 'shop'])).toMatchObject({ command: 'serve', stream: 'shop' })
  })

  it('reads tail and logs with their defaults', () => {
    const none = { level: undefined, q: undefined, json: false, color: true }
    expect(readArguments(['tail', 'http://x'])).toEqual({ command: 'tail', url: 'http://x', tail: 20, ...none })
    expect(readArguments(['logs', 'http://x'])).toEqual({ command: 'logs', url: 'http://x', tail: 1_000_000, ...none })
  })

  it('reads their options, wherever they stand', () => {
    expect(
      readArguments(['tail', '--level', 'WARNING', '-n', '5', 'host', '--q=-not this', '--json', '--no-color']),
    ).toEqual({ command: 'tail', url: 'host', tail: 5, level: 'warn', q: '-not this', json: true, color: false })
  })

  it('gives help and the version, also of a command', () => {
    for (const args of [['--help'], ['-h'], ['tail', '--help'], ['logs', '-h', '--json']]) {
      expect(readArguments(args)).toEqual({ command: 'help' })
    }
    expect(readArguments(['--version'])).toEqual({ command: 'version' })
  })

  it.each([
    [
      ['--stream', 'Shop'],
      '--stream is a name: 1 to 64 of a-z, 0-9, ".", "_" and "-", beginning with a letter or a digit.',
    ],
    [['--json'], "Unknown option '--json'. edgetail --help lists the options."],
    [['tail', 'x', '--port', '1'], "Unknown option '--port'. edgetail --help lists the options."],
    [['tail'], 'tail takes one address, such as http://127.0.0.1:8787/monitor.'],
    [['logs', 'a', 'b'], 'logs takes one address, such as http://127.0.0.1:8787/monitor.'],
    [['tail', 'x', '--tail', '1e3'], '--tail is a whole number from 0 to 1000000.'],
    [['tail', 'x', '--tail', '1000001'], '--tail is a whole number from 0 to 1000000.'],
    [['tail', 'x', '--level', 'loud'], '--level is one of trace, debug, info, warn, error, fatal.'],
    [['tail', 'x', '--q', '-word'], 'A value that begins with a dash is written with an equals sign, as in --q=-word.'],
  ])('refuses %j in one sentence', (args, message) => {
    expect(() => readArguments(args)).toThrow(message)
  })

  it('says where the name of a stream goes that is read', () => {
    for (const command of ['tail', 'logs']) {
      const args = [command, 'http://127.0.0.1:8787/monitor', '--stream', 'shop']
      expect(() => readArguments(args)).toThrow(/address.*\/monitor\/s\/shop/)
    }
  })

  it('has a help that fits a screen', () => {
    const lines = HELP.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(45)
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(100)
    for (const word of [
      'tail <url>',
      'logs <url>',
      '--level',
      '--q',
      '--tail',
      '--json',
      '--no-color',
      'EDGETAIL_TOKEN',
    ]) {
      expect(HELP).toContain(word)
    }
  })
})
