// The configuration in force. In: a file's text or none, flags. Out: Configuration, problems as lines, which flags are over the file.
import { renderProblem, type Problem } from "../../rules/problem.ts";
import { overridingFlags, renderFlagProblem, withFlags, type GivenFlags } from "./flags.ts";
import { loadConfiguration, renderLocatedProblem } from "./load.ts";
import { configurationKind, configurationVersion, decodeConfiguration, type Configuration } from "./schema.ts";

export type ConfigurationFile = { readonly name: string; readonly text: string };

/** `config` is absent where a line is an error. */
export type Effective = {
  readonly config?: Configuration;
  /** In the order of the file; `file:line:column: ...`, or `--flag: ...` where a flag is the cause. */
  readonly problems: readonly { readonly severity: Problem["severity"]; readonly line: string }[];
  /** Flags, without dashes, that change what the file says. kube-proxy ignores most of them beside a file. */
  readonly overriding: readonly string[];
};

/** Puts the flags over the file, or over kube-proxy's defaults where there is no file, and decodes what comes out. Never throws. */
export function loadEffective(file: ConfigurationFile | undefined, given: GivenFlags): Effective {
  if (file === undefined) {
    const defaults = { apiVersion: configurationVersion, kind: configurationKind };
    const { value, problems } = decodeConfiguration(withFlags(defaults, given));
    const lines = problems.map((problem) =>
      lineOf(problem, renderFlagProblem(problem, given) ?? renderProblem(problem)),
    );
    return { ...(value === undefined ? {} : { config: value }), problems: unique(lines), overriding: [] };
  }
  let overriding: readonly string[] = [];
  const { config, problems } = loadConfiguration(file.text, (raw) => {
    overriding = overridingFlags(raw, given);
    return withFlags(raw, given);
  });
  const lines = problems.map((located) =>
    lineOf(located.problem, renderFlagProblem(located.problem, given) ?? renderLocatedProblem(file.name, located)),
  );
  return { ...(config === undefined ? {} : { config }), problems: unique(lines), overriding };
}

function lineOf({ severity }: Problem, line: string): Effective["problems"][number] {
  return { severity, line };
}

/** A flag that sets two fields has one problem. */
function unique(problems: Effective["problems"]): Effective["problems"] {
  return [...new Map(problems.map((problem) => [problem.line, problem])).values()];
}
