package topics

import (
	"runtime"
	"testing"
	"time"
)

// What should wake all sleepers does, whether they sleep or are about to: these would sleep on
// for an hour.
func TestAllAreWoken(t *testing.T) {
	for what, wake := range map[string]func(segment, *Topic){
		"end":      func(_ segment, p *Topic) { p.End() },
		"kick":     func(_ segment, p *Topic) { p.WakeAll() },
		"wake all": func(s segment, _ *Topic) { WakeTopics(s.ctl) },
		"publish":  func(s segment, p *Topic) { s.publish(t, p) },
	} {
		t.Run(what, func(t *testing.T) {
			s := newSegment(t, 1<<20, 2, 4)
			other := s.open(t, "y")
			p := s.open(t, "x")
			p.recheck = time.Hour
			// It has said that it sleeps and does not yet.
			awake(t, func() error {
				return p.Sleep(func() bool { wake(s, p); return false })
			})
			// It sleeps, or nearly; then it is as above. The goroutine that wakes it may end after
			// the sleeper: the segment stays until it has.
			woken := make(chan struct{})
			awake(t, func() error {
				go func() {
					defer close(woken)
					for p.words.Wake().Load()&1 == 0 {
						runtime.Gosched()
					}
					time.Sleep(20 * time.Millisecond)
					wake(s, p)
				}()
				return p.Sleep(func() bool { return false })
			})
			<-woken
			if other.words.Wake().Load()&1 != 0 {
				t.Error("a process sleeps at another topic")
			}
		})
	}
}

// awake fails unless sleep returns. It has all the time that a busy machine takes.
func awake(t *testing.T, sleep func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- sleep() }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the sleeper was not woken")
	}
}

// A sleeper that the end wakes sees that it is one, and does not sleep again.
func TestEndBeforeTheWakeUp(t *testing.T) {
	s := newSegment(t, 1<<20, 1, 4)
	p := s.open(t, "x")
	p.recheck = time.Hour
	for range 200 {
		p.words.Wake().Store(0)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for p.words.Wake().Load()&1 == 0 {
				runtime.Gosched()
			}
			p.End()
		}()
		awake(t, func() error {
			for !p.Ended() {
				if err := p.Sleep(p.Ended); err != nil {
					return err
				}
			}
			return nil
		})
		<-ended
		p.Reopen()
	}
}
