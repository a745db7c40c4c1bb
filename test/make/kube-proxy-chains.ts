// Reads rules as kube-proxy's layout has them. In: text as iptables-save prints it. Out: lines by table and chain.

/** Rules by `table chain`, in the order of the text. Fails on a rule in a chain that the text does not declare. */
export function readChains(text: string): Map<string, string[]> {
  const chains = new Map<string, string[]>();
  let table = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("*")) table = line.slice(1);
    else if (line.startsWith(":")) chains.set(`${table} ${line.slice(1, line.indexOf(" "))}`, []);
    else if (line.startsWith("-A ")) {
      const rules = chains.get(`${table} ${line.split(" ")[1] ?? ""}`);
      if (rules === undefined) throw new Error(`no chain for ${line}`);
      rules.push(line);
    }
  }
  return chains;
}
