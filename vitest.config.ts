import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { SERVICE_SETTINGS } from './test/support/settings.ts'

/** What runs on both runtimes: the core, and the service through `app.request()`. */
const everywhere = 'test/core/**/*.test.ts'

/** Most time of a test that waits for nothing but the processor, in milliseconds: on a busy machine it gets little of it. */
const PATIENCE_MS = 60_000

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'node', include: [everywhere, 'test/node/**/*.test.ts'], testTimeout: PATIENCE_MS } },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: { bindings: SERVICE_SETTINGS },
          }),
        ],
        test: {
          name: 'workers',
          include: [everywhere, 'test/workers/**/*.test.ts'],
          exclude: ['test/workers/log-relay.test.ts'],
          testTimeout: PATIENCE_MS,
        },
      },
      // The same with relays, which few readers are enough for here.
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: { bindings: { ...SERVICE_SETTINGS, EDGETAIL_ROOM_CLIENTS: '2' } },
          }),
        ],
        test: {
          name: 'relays',
          include: ['test/workers/{durable-object,log-relay,log-room,log-room.model,service}.test.ts'],
          testTimeout: PATIENCE_MS,
        },
      },
      // Real servers and browsers: one after the other, so that they do not take each other's time.
      {
        test: {
          name: 'real',
          include: ['test/real/**/*.test.ts'],
          fileParallelism: false,
          // On a machine that others use too, processes and browsers are starved at times; what fails twice is broken.
          retry: process.env.CI ? 1 : 0,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
