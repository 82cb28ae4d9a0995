/** What `wrangler types` writes for wrangler.toml and the secret. */
declare namespace Cloudflare {
  interface Env {
    LOG_ROOM: DurableObjectNamespace
    EDGETAIL_TOKEN: string
  }
}
