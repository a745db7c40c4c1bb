// Transport protocols. In: nothing. Out: the Protocol type.

/** The protocols that a Service port can have. */
export type Protocol = "TCP" | "UDP" | "SCTP";
