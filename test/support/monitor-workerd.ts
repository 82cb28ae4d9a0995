/** The monitor's Worker on workerd, as it is deployed. */
import { startWorkerd, type Workerd, type WorkerdOptions } from './workerd.ts'

/** Starts it with settings; another configuration names another bundle with the same classes. */
export function startMonitorWorkerd(
  settings: Readonly<Record<string, string>>,
  config = 'wrangler.toml',
  options?: WorkerdOptions,
): Promise<Workerd> {
  const texts = Object.entries(settings).map(([name, text]) => `(name = "${name}", text = "${text}"),`)
  const members = `
    bindings = [
      ${texts.join(' ')}
      (name = "LOG_ROOM", durableObjectNamespace = "LogRoom"),
      (name = "LOG_RELAY", durableObjectNamespace = "LogRelay"),
    ],
    durableObjectNamespaces = [
      (className = "LogRoom", uniqueKey = "room", enableSql = true),
      (className = "LogRelay", uniqueKey = "relay", enableSql = true),
    ],
    durableObjectStorage = (localDisk = "objects")`
  return startWorkerd([{ name: 'main', config, members, listens: true }], options)
}
