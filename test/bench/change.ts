// Row "change": one endpoint changes, one Service is added. In: Scale. Out: Figures of script lines and restore time, by size.
import type { Variant } from "../../src/kernel/kernel.ts";
import { median, type Figure, type Target } from "./figure.ts";
import { openPlace, type Place } from "./namespaces.ts";
import type { Event } from "./ours.ts";
import { sizeOf, sizeText, type Row, type Scale } from "./row.ts";
import { subject, type Changed, type Layout, type Subject } from "./subject.ts";

export const change: Row = { name: "change", title: "one change", needsKernel: true, measure };

async function measure(scale: Scale): Promise<Figure[]> {
  const sizes = scale === "quick" ? [100, 300, 1000] : [100, 1000, 10_000];
  return [...(await measureVariant("nft", sizes)), ...(await measureVariant("legacy", sizes))];
}

/** All sizes are loaded side by side and changed in turns, so that what else the machine does hits them alike. */
async function measureVariant(variant: Variant, sizes: readonly number[]): Promise<Figure[]> {
  const [smallest = 0, largest = 0] = [sizes[0], sizes.at(-1)];
  const kinds: Kind[] = [
    ...sizes.map((services) => ({ services, layout: "ours" as const })),
    { services: largest, layout: "baseline-in-parts" },
  ];
  const tracks: Track[] = [];
  try {
    for (const kind of kinds) tracks.push(await openTrack(kind, variant));
    const turns = variant === "nft" ? 11 : 5;
    await changeInTurns(tracks, turns);
    const hooked = figuresOf(variant, { tracks, smallest, largest });
    if (variant === "legacy") return hooked;
    const ours = tracks.filter(({ kind }) => kind.layout === "ours");
    for (const track of ours) await unhook(track);
    await changeInTurns(ours, turns);
    return [...hooked, unhookedFigure({ tracks: ours, smallest, largest })];
  } finally {
    for (const { place } of tracks) await place.close();
  }
}

type Kind = { readonly services: number; readonly layout: Layout };

type Track = {
  readonly kind: Kind;
  readonly place: Place;
  readonly subject: Subject;
  endpoint: Changed[];
  service: Changed[];
};

async function openTrack(kind: Kind, variant: Variant): Promise<Track> {
  const place = await openPlace();
  const rules = subject(place, { ...kind, variant, size: sizeOf(kind.services) });
  await rules.load();
  return { kind, place, subject: rules, endpoint: [], service: [] };
}

async function changeInTurns(tracks: readonly Track[], turns: number): Promise<void> {
  for (let done = 0; done < turns; done++) for (const track of tracks) await turn(track);
}

/** An endpoint there and back, a Service in and out (taking it out again is not measured). */
async function turn({ kind: { services }, subject: rules, endpoint, service }: Track): Promise<void> {
  const middle = Math.floor(services / 2);
  const steps: readonly (readonly [Event, number, Changed[]])[] = [
    ["endpoint-moved", middle, endpoint],
    ["endpoint-back", middle, endpoint],
    ["service-added", services, service],
    ["service-gone", services, []],
  ];
  for (const [event, number, into] of steps) into.push(await rules.change(event, number));
}

/** Leaves every chain as it is, but out of reach of packets, and so of the kernel's check of what can be reached. */
async function unhook(track: Track): Promise<void> {
  const jump = '-m comment --comment "kubernetes service portals" -j KUBE-SERVICES';
  const scripts = [`*nat\n-D PREROUTING ${jump}\n-D OUTPUT ${jump}\nCOMMIT\n`];
  await track.place.call("restore", { variant: "nft", scripts });
  track.endpoint = [];
  track.service = [];
}

type Found = { readonly tracks: readonly Track[]; readonly smallest: number; readonly largest: number };

function figuresOf(variant: Variant, { tracks, smallest, largest }: Found): Figure[] {
  const baseline = tracks.find(({ kind }) => kind.layout !== "ours");
  return (["endpoint", "service"] as const).flatMap((what) => {
    const of = (track: Track | undefined) => median((track?.[what] ?? []).map(({ wallMs }) => wallMs));
    const first = of(tracks.find(({ kind }) => kind.services === smallest));
    const name = what === "endpoint" ? "one endpoint changes" : "one Service is added";
    return tracks.flatMap((track): Figure[] => {
      const { services, layout } = track.kind;
      if (layout !== "ours") return [];
      const isLargest = services === largest;
      const label = `${name}, ${sizeText(services)}, iptables-${variant}`;
      const times: Figure = { name: `${label}: restore`, unit: "ms", ours: of(track) };
      const against = { value: first, what: `ours, ${sizeText(smallest)}` };
      if (services === smallest) return [times];
      const target: { target?: Target } =
        isLargest && variant === "nft" ? { target: { kind: "slower-at-most", times: 2 } } : {};
      const grown: Figure = { ...times, baseline: against, ...target };
      if (!isLargest) return [grown];
      const kubeProxy = { value: of(baseline), what: "kube-proxy's partial sync" };
      const lines = median(track[what].map((changed) => changed.lines));
      const theirLines = median((baseline?.[what] ?? []).map((changed) => changed.lines));
      return [
        grown,
        { ...times, name: `${label}: restore, against kube-proxy's`, baseline: kubeProxy },
        {
          name: `${label}: script`,
          unit: "lines",
          ours: lines,
          baseline: { value: theirLines, what: "kube-proxy's partial sync" },
          target: { kind: "at-most", value: 39 },
        },
      ];
    });
  });
}

function unhookedFigure({ tracks, smallest, largest }: Found): Figure {
  const of = (services: number) =>
    median((tracks.find(({ kind }) => kind.services === services)?.endpoint ?? []).map(({ wallMs }) => wallMs));
  return {
    name: `one endpoint changes, ${sizeText(largest)}, iptables-nft, jumps from PREROUTING and OUTPUT removed: restore`,
    unit: "ms",
    ours: of(largest),
    baseline: { value: of(smallest), what: `ours, ${sizeText(smallest)}, the same` },
  };
}
