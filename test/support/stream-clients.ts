/** The clients that people use to follow a stream, each with its own way to resume after a cut. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fetchEventSource } from '@microsoft/fetch-event-source'
import { EventSource } from 'eventsource'
import { createEventSource } from 'eventsource-client'
import { createParser } from 'eventsource-parser'
import type { Browser } from 'playwright-core'

/** What a client was told: an entry, or that some are missing. */
export interface Seen {
  readonly event: string
  readonly data: string
  readonly id?: string | undefined
}

/** Where a client finds the service. */
export interface Destination {
  /** Where to follow the stream: the proxy. */
  readonly url: string
  readonly token: string
}

/** A client that runs until it is closed. */
export interface StreamClient {
  seen(): Promise<readonly Seen[]> | readonly Seen[]
  close(): Promise<void> | void
}

/** Wait of the clients that leave it to their user when to come back, in milliseconds. */
const RETRY_MS = 100

/** One whose connection can be cut, as by a network that changes. */
export interface FetchClient extends StreamClient {
  seen(): readonly Seen[]
  cut(): void
}

/** `fetch`, a parser, and a loop. */
export function fetchClient({ url, token }: Destination): FetchClient {
  const stop = new AbortController()
  let connection = new AbortController()
  const seen: Seen[] = []
  let lastId: string | undefined
  const done = (async () => {
    while (!stop.signal.aborted) {
      try {
        const headers = { Authorization: `Bearer ${token}`, ...(lastId && { 'Last-Event-ID': lastId }) }
        connection = new AbortController()
        const response = await fetch(url, { headers, signal: connection.signal })
        if (response.status !== 200) throw new Error(`${response.status}`)
        const parser = createParser({ onEvent: remember })
        const decoder = new TextDecoder()
        for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk, { stream: true }))
      } catch {
        // Cut off.
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  })()
  function remember({
    event = 'message',
    data,
    id,
  }: {
    event?: string | undefined
    data: string
    id?: string | undefined
  }): void {
    lastId = id ?? lastId
    seen.push({ event, data, id })
  }
  return {
    seen: () => seen,
    cut: () => connection.abort(),
    async close() {
      stop.abort()
      connection.abort()
      await done
    },
  }
}

/** `curl -N` in a loop, as a shell script would have it. */
export function curlClient({ url, token }: Destination): StreamClient {
  const seen: Seen[] = []
  let lastId: string | undefined
  let child: ChildProcess | undefined
  let closed = false
  function run(): void {
    if (closed) return
    const resume = lastId === undefined ? [] : ['-H', `Last-Event-ID: ${lastId}`]
    child = spawn('curl', ['-sNf', '-H', `Authorization: Bearer ${token}`, ...resume, url], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const parser = createParser({
      onEvent({ event = 'message', data, id }) {
        lastId = id ?? lastId
        seen.push({ event, data, id })
      },
    })
    child.stdout?.setEncoding('utf8').on('data', (text: string) => parser.feed(text))
    child.on('close', () => setTimeout(run, RETRY_MS))
  }
  run()
  return {
    seen: () => seen,
    close() {
      closed = true
      child?.kill()
    },
  }
}

/** The `eventsource` package. */
export function eventsourceClient({ url, token }: Destination): StreamClient {
  const seen: Seen[] = []
  const source = new EventSource(url, {
    fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } }),
  })
  for (const event of ['ready', 'log', 'gap']) {
    source.addEventListener(event, ({ data, lastEventId }) => seen.push({ event, data, id: lastEventId }))
  }
  return { seen: () => seen, close: () => source.close() }
}

/** The `eventsource-client` package. */
export function eventsourceClientClient({ url, token }: Destination): StreamClient {
  const seen: Seen[] = []
  const source = createEventSource({
    url,
    headers: { Authorization: `Bearer ${token}` },
    onMessage: ({ event = 'message', data, id }) => void seen.push({ event, data, id }),
  })
  return { seen: () => seen, close: () => source.close() }
}

/** `@microsoft/fetch-event-source`, which was made for browsers. */
export function fetchEventSourceClient({ url, token }: Destination): StreamClient {
  const page = { window: globalThis, document: { addEventListener() {}, removeEventListener() {} } }
  for (const [name, value] of Object.entries(page)) {
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, configurable: true })
  }
  const stop = new AbortController()
  const seen: Seen[] = []
  const done = fetchEventSource(url, {
    headers: { Authorization: `Bearer ${token}` },
    signal: stop.signal,
    openWhenHidden: true,
    fetch,
    onmessage: ({ event, data, id }) => void seen.push({ event, data, id }),
    // Without this an end that looks orderly is the end.
    onclose() {
      throw new Error('Closed by the server')
    },
  })
  return {
    seen: () => seen,
    async close() {
      stop.abort()
      await done
    },
  }
}

/** Native EventSource on a page of the stream's own origin, signed in by the cookie. */
export function browserClient(
  browser: Browser,
): (destination: Destination & { cookie: string }) => Promise<StreamClient> {
  return async ({ url, cookie }) => {
    const context = await browser.newContext()
    const [name = '', value = ''] = cookie.split(';', 1)[0]?.split('=', 2) ?? []
    await context.addCookies([{ name, value, url }])
    const page = await context.newPage()
    const blank = new URL('/blank', url).href
    await page.route(blank, (route) => route.fulfill({ contentType: 'text/html', body: '<title>blank</title>' }))
    await page.goto(blank)
    await page.unroute(blank)
    await page.evaluate((address) => {
      const seen: Seen[] = []
      const source = new globalThis.EventSource(address)
      Object.assign(globalThis, { seen, source })
      for (const event of ['ready', 'log', 'gap']) {
        source.addEventListener(event, ({ data, lastEventId }) => seen.push({ event, data, id: lastEventId }))
      }
    }, url)
    return {
      seen: () => page.evaluate(() => (globalThis as unknown as { seen: Seen[] }).seen),
      close: () => context.close(),
    }
  }
}
