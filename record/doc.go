// Package record stores the frames of a topic in JetStream, and publishes them again.
//
// A [Recorder] subscribes to a topic and stores its frames, with sequence numbers, times, metadata and
// checksums, in a recording. A [Player] publishes the frames of a recording to a topic, with the
// intervals that they had, or faster or slower. [List], [Find] and [Delete] manage recordings. All of
// them need a connection to a NATS server with JetStream, such as service.Client.NATS returns.
//
//	r, err := record.NewRecorder(ctx, client.NATS(), ring, &record.RecorderOptions{Topic: "cam", MaxBytes: 10 << 30})
//	if err != nil {
//		return err
//	}
//	return r.Run(ctx) // until the topic or the context ends
//
// A publisher never waits for a recorder. What JetStream is too slow for is lost to the recording and
// counted in [RecorderStats]; a larger ring bridges longer pauses. A frame is stored complete or not at
// all. A player verifies each frame by its checksum before it publishes it, and counts the frames that
// it leaves out in [PlayerStats].
//
// Without MaxAge and MaxBytes a recording grows until JetStream's disk or limit is full. One recorder
// at a time writes to a recording: a later one takes it over. Access to recordings is controlled by
// NATS permissions for the subjects framebuffer-recording.>: checksums detect damage, not forgery.
package record
