// Package wire speaks Jupyter's messaging protocol over ZeroMQ.
//
// # Design
//
// Whoever can reach the ports may send anything, so nothing that arrives can
// stop the kernel: a message that is not signed with the connection's key, or
// is not formed as the protocol says, is dropped, and each reason is logged
// once. Two faults of the ZeroMQ library are mended below it, in a transport of
// our own: a peer that does not read is cut off after five seconds instead of
// stalling the others, and a frame that claims to be larger than 1 GiB closes
// the connection instead of exhausting the memory.
//
// Only loopback addresses are listened on: whoever wants more wants a tunnel.
package wire
