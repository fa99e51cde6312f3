package service

import (
	"slices"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/remote"
)

// mirrorWarningDelay is how long a topic may take to come before the log says that it has not.
const mirrorWarningDelay = 2 * time.Second

// openMirrors runs the mirrors of [ServeOptions.Mirrors].
func (s *Service) openMirrors() (err error) {
	if len(s.config.Mirrors) == 0 {
		return nil
	}
	if s.mirrorRing, err = framebuffer.Attach(s.server.Key(), &framebuffer.ClientOptions{Name: "framebuffer mirrors"}); err != nil {
		return err
	}
	for _, opts := range s.config.Mirrors {
		opts.Self, opts.Logger = s.micro.Info().ID, s.log
		m, err := remote.NewMirror(s.streams, s.mirrorRing, &opts)
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.mirrors = append(s.mirrors, m)
		s.mu.Unlock()
	}
	for _, m := range s.runningMirrors() {
		s.work(func() { s.runMirror(m) })
	}
	return nil
}

func (s *Service) runMirror(m *remote.Mirror) {
	defer time.AfterFunc(mirrorWarningDelay, func() {
		if st := m.Stats(); st.State == remote.MirrorLooking && st.Starts == 0 {
			s.log.Warn("waiting for a topic of another host", "framebuffer.topic", st.Topic, "framebuffer.from", st.From, "error.message", st.Why)
		}
	}).Stop()
	if err := m.Run(s.life); err != nil && s.life.Err() == nil {
		s.log.Error("a topic is not mirrored any more", "framebuffer.topic", m.Stats().Topic, "error.message", err)
	}
}

func (s *Service) runningMirrors() []*remote.Mirror {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mirrors)
}
