// Logs, on standard error so that results alone are on standard output. In: level and format. Out: a winston Logger.
import { styleText } from "node:util";
import { createLogger, format, transports, type Logger, type transport as Transport } from "winston";

export const logLevels = ["error", "warn", "info", "debug"] as const;
export const logFormats = ["text", "json"] as const;
export type LogSettings = { readonly level: (typeof logLevels)[number]; readonly format: (typeof logFormats)[number] };

/** A logger that writes to standard error: `level: message` for people (coloured on a terminal), or JSON lines. */
export function createLog(settings: LogSettings): Logger {
  return createLogger({
    level: settings.level,
    format: lineFormat(settings.format),
    // winston's own types do not make its Stream a TransportStream.
    transports: new transports.Stream({ stream: process.stderr }) as unknown as Transport,
  });
}

/** How a line looks; a logger's may be changed while it is in use. */
export function lineFormat(name: LogSettings["format"]): ReturnType<typeof format.combine> {
  if (name === "json") return format.combine(format.timestamp(), format.json());
  return format.printf(({ level, message }) => `${colour(level)}: ${String(message)}`);
}

/** Only on a terminal: `styleText` looks at the stream (standard output, unless it is told otherwise), and at NO_COLOR. */
function colour(level: string): string {
  const style = level === "error" ? "red" : level === "warn" ? "yellow" : "gray";
  return process.stderr.isTTY ? styleText(style, level, { stream: process.stderr }) : level;
}
