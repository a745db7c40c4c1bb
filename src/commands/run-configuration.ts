// The configuration that `rulewright run` starts with. In: RunOptions, its file. Out: RunConfiguration, or every error in one InputError.
import type { Logger } from "winston";
import { loadEffective, type ConfigurationFile } from "../config/effective.ts";
import { serversOff, type GivenFlags } from "../config/flags.ts";
import type { Configuration } from "../config/schema.ts";
import { InputError, readText } from "../desired/desired.ts";
import { lineFormat } from "../log.ts";
import { configChange } from "./config-change.ts";
import { givenFlags, type RunOptions } from "./run-options.ts";

export type RunConfiguration = {
  readonly configuration: Configuration;
  /** Ports that a flag switches off. */
  readonly off: ReturnType<typeof serversOff>;
  /** Undefined where there is none that could be read again: no `--config`, or standard input. */
  readonly file: ConfigurationFile | undefined;
  readonly given: GivenFlags;
};

/** The file's or kube-proxy's defaults, the flags over them. Logs warnings and what is over the file. Throws InputError. */
export async function readConfiguration(options: RunOptions, log: Logger): Promise<RunConfiguration> {
  const { config: name } = options;
  const file = name === undefined ? undefined : { name, text: await readText(name) };
  const given = givenFlags(options);
  const { config: configuration, problems, overriding } = loadEffective(file, given);
  const lines = problems.map(({ line }) => line);
  if (configuration === undefined) throw new InputError(lines.join("\n"));
  applyLogging(configuration.logging, log);
  for (const line of lines) log.warn(line);
  if (overriding.length > 0)
    log.info(`flags are over what ${name ?? ""} says: ${overriding.map((flag) => `--${flag}`).join(", ")}`);
  return { configuration, off: serversOff(given), file: name === "-" ? undefined : file, given };
}

/** How the file is watched. */
export type ChangeSettings = { readonly log: Logger; readonly signal: AbortSignal; readonly everySeconds: number };

/** Resolves with a reason to stop once the file says something else that could be started with; never where there is no file. */
export function configurationChange({ file, given }: RunConfiguration, settings: ChangeSettings): Promise<string> {
  if (file === undefined) return new Promise(() => undefined);
  const { log, signal, everySeconds } = settings;
  const errorsOf = (text: string) => {
    const { config, problems } = loadEffective({ name: file.name, text }, given);
    return config === undefined ? problems.filter(({ severity }) => severity === "error").map(({ line }) => line) : [];
  };
  const warn = (line: string) => void log.warn(line);
  return configChange(file, { read: readText, errorsOf, warn, everySeconds, signal }).then(
    () => `${file.name} was changed, and is read at the next start`,
  );
}

/** What the configuration says of logs counts where `--log-level` and `--log-format` are as they are by default. 4 is klog's debug level. */
function applyLogging({ format, verbosity }: Configuration["logging"], log: Logger): void {
  if (verbosity >= 4 && log.level === "info") log.level = "debug";
  if (format === "json") log.format = lineFormat("json");
}
