// Package record stores the frames of a topic in JetStream, and publishes them again.
//
// A Recorder subscribes to a topic and stores its frames with their sequence numbers, times, metadata
// and checksums. A Player publishes the frames of a recording to a topic, at the pace at which they
// were recorded or at another. List, Find and Delete manage recordings.
package record
