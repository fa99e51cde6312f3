package service

// Ways are a reader's figures: which way frames came, and why. They only grow, but for Rings.
type Ways struct {
	Local       uint64 `json:"local"` // frames through shared memory
	LocalBytes  uint64 `json:"local_bytes"`
	Remote      uint64 `json:"remote"` // frames over NATS
	RemoteBytes uint64 `json:"remote_bytes"`
	Timeouts    uint64 `json:"timeouts"`  // of frames over NATS
	Resumed     uint64 `json:"resumed"`   // how often parts were lost on the way and asked for again
	Untrusted   uint64 `json:"untrusted"` // frames over NATS that no trusted server had signed
	Rings       []Way  `json:"rings"`     // those read from lately
}

// Way is how the frames of one ring are read.
type Way struct {
	Subject string `json:"subject"`       // where its frames are asked for, which tells rings apart
	Remote  bool   `json:"remote"`        // over NATS
	Why     string `json:"why,omitempty"` // it is not attached to
}

// Ways returns the reader's figures.
func (r *Reader) Ways() Ways {
	w := Ways{
		Local: r.local.Load(), LocalBytes: r.localBytes.Load(), Remote: r.remote.Load(), RemoteBytes: r.remoteBytes.Load(),
		Timeouts: r.timeouts.Load(), Resumed: r.resumed.Load(), Untrusted: r.untrusted.Load(), Rings: []Way{},
	}
	for _, way := range r.ways.all() {
		at := way.opened.Load()
		if at == nil { // just being attached to
			continue
		}
		one := Way{Subject: readSubject(way.key), Remote: at.ring == nil}
		if at.why != nil {
			one.Why = at.why.Error()
		}
		w.Rings = append(w.Rings, one)
	}
	return w
}
