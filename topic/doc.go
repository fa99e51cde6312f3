// Package topic is publish and subscribe inside a segment's shared memory: named streams of
// frames from many publishers to many subscribers, with no RPC, no broker and no server on
// the way. What travels is the frame's descriptor with a little metadata; the frame stays
// where it was written.
//
//	pub, err := topic.NewPublisher(client, "camera/front")
//	msg, err := pub.Publish(pixels, &topic.Meta{ContentType: "video/raw", Width: 1920, Height: 1080, Format: "rgb24"})
//
//	sub, err := topic.Subscribe(client, "camera/front", nil)
//	for msg, err := range sub.Frames(ctx) {
//		err = client.View(msg.Frame, func(pixels []byte) error { … })
//	}
//
// Guarantees:
//
//   - Frames of a topic are numbered from 0 up in the order in which they were published,
//     without gaps, by whomever they were published. Every subscription sees them in that
//     order, each once, but for those it lost.
//   - Nobody waits for a subscriber. A topic remembers as many frames as the server's
//     TopicDepth says, and a frame lives as long as the ring takes to come round. A
//     subscription that is further behind goes on with the oldest frame that is still there,
//     or with one a quarter of the depth younger if it has just done so, and is told how many
//     it lost.
//   - A process that is killed, at whatever instruction, stops nobody else. In the worst case,
//     a publisher killed between publishing and waking, sleepers find the frame 0.2 s later.
//   - Publishing makes no system call while nobody sleeps.
//
// A message tells where the frame was a moment ago: reading it can still end in
// framebuffer.ErrTimeout. Who works long on a frame takes a Hold.
package topic
