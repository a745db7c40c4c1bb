// A proxier of IPVS mode over tools in memory, with a clock of the test's own. In: few settings. Out: it, and all that it reads and writes.
import { diffStates, setService, setSlice, type Cluster, type IpvsChange, type View } from "../../../rules/index.ts";
import { createIpvsProxier } from "../../../src/agent/ipvs-proxier.ts";
import { observe } from "../../../src/ipvs/observe.ts";
import type { IpvsKernel } from "../../../src/ipvs/ipvs-kernel.ts";
import { aFakeIpvsKernel, type FakeIpvsKernel, type FakeIpvsKernelOptions } from "../../make/fake-ipvs-kernel.ts";
import { ipvsOf, patient } from "../../make/ipvs.ts";
import { aNode, aView } from "../../make/node.ts";
import { aCluster, aService, aSlice, type ServiceFields } from "../../make/objects.ts";

/** Services a, b, ... at 10.96.0.97, 10.96.0.98, ...; addresses after a name are its endpoints. */
export function cluster(...services: string[]): Cluster {
  return services.reduce((made, text) => {
    const [name = "", ...ips] = text.split(" ");
    return serve(made, { name }, ips.length === 0 ? [`10.1.0.${name.charCodeAt(0)}`] : ips);
  }, aCluster());
}

export function serve(
  made: Cluster,
  fields: ServiceFields & { readonly name: string },
  ips: readonly string[],
): Cluster {
  const { name } = fields;
  const service = aService({ clusterIps: [`10.96.0.${name.charCodeAt(0)}`], ...fields });
  return setSlice(setService(made, service), aSlice({ service: name, endpoints: ips }));
}

export type AnIpvsProxier = FakeIpvsKernelOptions & { readonly writes?: boolean; readonly drainSeconds?: number };

/** `kernel`: that of another one, whose tools this one takes over. */
export async function anIpvsProxier(
  { writes = true, drainSeconds = 900, ...given }: AnIpvsProxier = {},
  kernel?: FakeIpvsKernel,
) {
  const fake = kernel ?? (await aFakeIpvsKernel(given));
  const clock = { ms: 0 };
  const node = { ips: aNode().localIps };
  const warned: string[] = [];
  const counted = counting(fake);
  const proxier = createIpvsProxier(counted.kernel, {
    ...{ ipvs: { scheduler: { name: "rr", flags: [] }, excludeCidrs: [] }, localIps: () => node.ips },
    ...{ writes, drainSeconds, warn: (text) => warned.push(text), now: () => clock.ms },
  });
  let written = fake.written.length;
  return {
    ...{ fake, proxier, clock, node, warned },
    sync: (made: Cluster, view: View = aView()) => proxier.sync({ cluster: made, view }),
    /** Tools that were fed since the last call, in order; and texts that were read. */
    took: () => {
      const tools = fake.written.slice(written).map(({ tool }) => tool);
      written = fake.written.length;
      return { tools, reads: counted.take() };
    },
  };
}

function counting(fake: FakeIpvsKernel): { readonly kernel: IpvsKernel; readonly take: () => number } {
  let reads = 0;
  const count =
    <A extends readonly unknown[], T>(read: (...args: A) => Promise<T>) =>
    (...args: A): Promise<T> => {
      reads++;
      return read(...args);
    };
  const { rules } = fake;
  return {
    kernel: {
      ...fake,
      rules: { ...rules, readRules: count(rules.readRules), scanRules: count(rules.scanRules) },
      readSets: count(fake.readSets),
      readAddresses: count(fake.readAddresses),
      readServers: count(fake.readServers),
      readConnections: count(fake.readConnections),
    },
    take: () => {
      const taken = reads;
      reads = 0;
      return taken;
    },
  };
}

/** What a computation from nothing would change in the kernel: nothing, where all is well. Real servers that drain may be there. */
export async function changesLeft(
  kernel: IpvsKernel,
  made: Cluster,
  view: View = aView(),
): Promise<readonly IpvsChange[]> {
  const { state, others } = await observe(kernel, view.family);
  const { steps } = diffStates(state, ipvsOf(made, view).state, { ...patient, others });
  return steps.flatMap((step): readonly IpvsChange[] => step.changes);
}

/** `VIRTUAL-SERVER REAL-SERVER` of those without weight, as ipvsadm names them. */
export function drainingIn(fake: FakeIpvsKernel): string[] {
  return [...fake.tools.servers().matchAll(/^-a (?:-t|-u|--sctp-service) (\S+) -r (\S+) -m -w 0$/gm)].map(
    ([, server = "", real = ""]) => `${server} ${real}`,
  );
}
