/** What `wrangler types` writes for wrangler.toml, wrangler.producer.toml and the secret. */
declare namespace Cloudflare {
  interface Env {
    LOG_ROOM: DurableObjectNamespace
    LOG_RELAY: DurableObjectNamespace
    EDGETAIL: Fetcher
    EDGETAIL_TOKEN: string
  }
}
