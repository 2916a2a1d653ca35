// Package bus carries readings: a durable stream of NATS JetStream between those
// who bring them (MQTT, HTTP, simulators, other programs) and those who keep and
// show them.
//
// The server is embedded and its stream lies in a folder beside the store; the
// first process that opens the folder locks it, serves the stream to itself and, on
// a loopback port that it writes down there, to those that come later. When it
// ends, one of them takes its place. Where a cluster outside is named, that is
// used, with the same stream and subject.
//
// Guarantees: a message whose Publish returned nil is in the stream: it outlives the
// death of the process, and a power cut too where Options.Sync says Always (else the
// last Sync of time may be lost). Readers get the messages in the order of the stream, each at
// least once; a Position says where to go on. A full disk or a full stream refuses
// new messages and never drops old ones.
package bus
