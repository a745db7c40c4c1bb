// Which changes a batch did not make. In: ServerChange[], IpvsTable as read back. Out: those that the kernel does not show, in order.
import { never } from "../never.ts";
import { get } from "../radix/radix.ts";
import type { ServerChange } from "./diff-servers.ts";
import { isSameHead, isSameReal, realKey, serverKey, type IpvsTable } from "./virtual-server.ts";

/**
 * The changes of a batch that `after`, the table read back, does not show. ipvsadm names no line that the kernel refuses, and its exit code
 * is the last line's, so this is how a failed line is found, and with it its Service. Where ipvsadm itself refuses a line, that is the
 * first of them, and the rest was not tried.
 */
export function undoneChanges(changes: readonly ServerChange[], after: IpvsTable): ServerChange[] {
  return changes.filter((change) => !isDone(change, after));
}

function isDone(change: ServerChange, after: IpvsTable): boolean {
  const found = get(after, serverKey(change.server));
  switch (change.kind) {
    case "add-server":
    case "edit-server":
      return found !== undefined && isSameHead(found, change.server);
    case "delete-server":
      return found === undefined;
    case "add-real":
    case "edit-real":
      return found?.servers.some((real) => isSameReal(real, change.real)) === true;
    case "delete-real":
      return found?.servers.some((real) => realKey(real) === realKey(change.real)) !== true;
    default:
      return never(change);
  }
}
