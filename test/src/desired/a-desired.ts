// What is desired, for tests. In: manifests, the few options that matter. Out: Desired.
import {
  buildDesired,
  defaultRanges,
  type Desired,
  type DesiredOptions,
  type Host,
} from "../../../src/desired/desired.ts";

/** `files` are more files than `a.yaml`; `config` is a configuration's text. */
export type DesiredFields = Partial<Omit<DesiredOptions, "files">> & {
  readonly files?: readonly string[];
  readonly config?: string;
  readonly host?: Host;
};

export function aDesired(text: string, { files = [], config, host, ...options }: DesiredFields = {}): Desired {
  const sources = [text, ...files].map((each, index) => ({ name: `${"abcdef"[index] ?? "g"}.yaml`, text: each }));
  return buildDesired(
    {
      read: { sources, problems: [] },
      config: config === undefined ? undefined : { name: "config.yaml", text: config },
    },
    {
      files: [],
      recursive: false,
      configFile: undefined,
      nodeName: undefined,
      nodeAddresses: [],
      families: [4, 6],
      ...defaultRanges,
      ...options,
    },
    host,
  );
}
