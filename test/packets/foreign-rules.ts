// Rules that others put on a node before us: kubelet, a CNI's host ports, kube-router, an administrator. In: family. Out: restore input.
import type { Family } from "../../rules/net/ip.ts";

/** Host port 5000 leads to port 8080 of pod-a; packets to 5001 are dropped. Text as iptables-save prints it. */
export function foreignRules(family: Family): string {
  const [pod, any, host, dnat] =
    family === 4
      ? ["10.244.0.5/32", "10.244.0.0/16", "192.168.0.2/32", "10.244.0.5:8080"]
      : ["fd00:10:244::5/128", "fd00:10:244::/48", "fd00:192::2/128", "[fd00:10:244::5]:8080"];
  return `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:others-raw - [0:0]
-A PREROUTING -j others-raw
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:KUBE-IPTABLES-HINT - [0:0]
:KUBE-KUBELET-CANARY - [0:0]
:others-mangle - [0:0]
-A PREROUTING -j others-mangle
-A others-mangle -p tcp -m tcp --dport 5000 -j MARK --set-xmark 0x1/0x1
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
:CNI-HOSTPORT-MASQ - [0:0]
:CNI-HOSTPORT-SETMARK - [0:0]
:CNI-DN-1f0e5c2a8b7d6e4f3a2b1 - [0:0]
:KUBE-KUBELET-CANARY - [0:0]
:KUBE-HOSTPORTS - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ
-A POSTROUTING -s ${any} -d ${host} -j RETURN
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"cni0\\" id: \\"a\\\\b\\"" -m multiport --dports 5000 -j CNI-DN-1f0e5c2a8b7d6e4f3a2b1
-A CNI-DN-1f0e5c2a8b7d6e4f3a2b1 -s ${pod} -p tcp -m tcp --dport 5000 -j CNI-HOSTPORT-SETMARK
-A CNI-DN-1f0e5c2a8b7d6e4f3a2b1 -p tcp -m tcp --dport 5000 -j DNAT --to-destination ${dnat}
-A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE
-A CNI-HOSTPORT-SETMARK -m comment --comment "CNI portfwd masquerade mark" -j MARK --set-xmark 0x2000/0x2000
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:KUBE-FIREWALL - [0:0]
:KUBE-KUBELET-CANARY - [0:0]
:KUBE-NWPLCY-DEFAULT - [0:0]
:KUBE-POD-FW-XPGD46QRK7WJZT7O - [0:0]
:KUBE-ROUTER-FORWARD - [0:0]
-A INPUT -p tcp -m tcp --dport 5001 -j DROP
-A INPUT -j KUBE-FIREWALL
-A FORWARD -m comment --comment "kube-router netpol" -j KUBE-ROUTER-FORWARD
-A FORWARD -s ${pod} -p udp -m udp --dport 5001 -j DROP
-A OUTPUT -j KUBE-FIREWALL
${family === 4 ? '-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP\n' : ""}-A KUBE-ROUTER-FORWARD -d ${pod} -j KUBE-POD-FW-XPGD46QRK7WJZT7O
-A KUBE-POD-FW-XPGD46QRK7WJZT7O -j KUBE-NWPLCY-DEFAULT
COMMIT
`;
}
