// Package topic is publish and subscribe inside a segment's shared memory: named streams of frames from
// many publishers to many subscribers, without an RPC, a broker or the server on the way. A message is
// the frame's descriptor with a little metadata; the frame stays where it was written.
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
//   - All frames of a topic have consecutive sequence numbers from 0, in the order in which they were
//     published. Every subscription gets them in that order, each once, except for those it lost.
//   - Publishers never wait for subscribers. A topic remembers the last frames, as many as the server's
//     TopicDepth, and a frame is there until the ring overwrites it. A subscription that lags further
//     resumes at the oldest frame that is still there; if it lost frames recently, it skips a further
//     quarter of TopicDepth. [Message.Lost] is how many frames it lost.
//   - A process that is killed at any instruction stops no other process. If a publisher is killed
//     between publishing and waking, sleeping subscribers find the frame 0.2 s later.
//   - Publishing makes no system call while no subscriber sleeps.
//
// A message says where the frame was a moment ago: reading the frame can still end in
// framebuffer.ErrTimeout. To work on a frame for long, use [framebuffer.Client.Hold].
package topic
