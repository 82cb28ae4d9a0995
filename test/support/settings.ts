/** The settings under which every service is put through the suite, as variables of its environment. */
export const SERVICE_SETTINGS = {
  EDGETAIL_TOKEN: 'test-token',
  EDGETAIL_READ_TOKEN: 'read-token',
  EDGETAIL_WRITE_TOKEN: 'write-token',
  EDGETAIL_TOKENS: JSON.stringify([
    { token: 'shop-token', rights: ['read', 'write'], streams: ['shop'] },
    { token: 'pay-token', rights: ['read'], streams: ['pay-*'] },
    { token: 'pay-token', rights: ['write'], streams: ['pay-in'] },
    { token: 'all-token', rights: ['read'] },
  ]),
  EDGETAIL_MAX_STREAMS: '10',
  EDGETAIL_RETAIN: '50',
  EDGETAIL_MAX_CLIENTS: '12',
  EDGETAIL_MAX_BODY: '100000',
  EDGETAIL_BODY_TIMEOUT_MS: '1500',
  EDGETAIL_HEARTBEAT_MS: '400',
  EDGETAIL_CORS_ORIGINS: 'https://ops.example.com',
}
