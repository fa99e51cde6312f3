package wire

// Headers of requests.
const (
	// HeaderFrom is the position in a frame at which to begin, and headerWindow how many bytes may be
	// unacknowledged. Both are decimal and optional.
	HeaderFrom   = "Framebuffer-From"
	HeaderWindow = "Framebuffer-Window"

	// HeaderNonce asks for a signed answer: 1 to 64 bytes chosen by the client for this request.
	HeaderNonce = "Framebuffer-Nonce"

	// HeaderRoom is how many bytes the answer may have. A server lists fewer topics then; the client
	// discards a longer answer.
	HeaderRoom = "Framebuffer-Room"
)

// Headers of answers.
const (
	// HeaderID is the ID of the instance that answered. A program in another language that got a key
	// from one of several servers asks the same one for offsets.
	HeaderID = "Framebuffer-Id"

	// HeaderSignature is a public key and a signature. It comes with the last part of a frame, with
	// the end of a topic, and with what a server says of itself.
	HeaderSignature = "Framebuffer-Signature"

	// HeaderFrame describes a frame as JSON. In a mirror's stream it comes with the frame's first
	// part (remote.mirrorFrame), in a recording with its last (record.recordedFrame).
	HeaderFrame = "Framebuffer-Frame"

	// HeaderEnd marks the end of a topic in a mirror's stream.
	HeaderEnd = "Framebuffer-End"
)
