// How clients find the server. In: its URL, its authority, a token. Out: the text of a kubeconfig file.

export type Cluster = { readonly url: string; readonly caPem: string | undefined };

/** `tokenFile` is a path that the client reads again from time to time; `url` another than the server's own, e.g. by a name. */
export type Credentials = { readonly token?: string; readonly tokenFile?: string; readonly url?: string };

/** One cluster, one user, one context. JSON strings are YAML strings. */
export function kubeconfigText({ url, caPem }: Cluster, credentials: Credentials): string {
  const quoted = JSON.stringify;
  const trust =
    caPem === undefined
      ? "insecure-skip-tls-verify: true" // client-node takes http:// with it only
      : `certificate-authority-data: ${Buffer.from(caPem).toString("base64")}`;
  const { token, tokenFile } = credentials;
  const user = tokenFile !== undefined ? { tokenFile } : token !== undefined ? { token } : {};
  return `apiVersion: v1
kind: Config
clusters:
  - name: fake
    cluster:
      server: ${quoted(credentials.url ?? url)}
      ${trust}
users:
  - name: rulewright
    user: ${quoted(user)}
contexts:
  - name: fake
    context:
      cluster: fake
      user: rulewright
current-context: fake
`;
}
