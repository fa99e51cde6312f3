package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// traffic is a server with a publisher, a reader that keeps up and one that reads nothing.
type traffic struct {
	name   string
	key    string
	server *exec.Cmd
}

func withTraffic(t testing.TB) traffic {
	t.Helper()
	name, s, server := serving(t, "--size", "4MiB", "--backend", "sysv") // which lets clients in while the server is stopped
	attach := func(name string) *framebuffer.Client {
		c, err := framebuffer.Attach(s.Key, &framebuffer.ClientOptions{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	writer := attach("摄像头 camera")
	reader := attach("keeps up")
	sub, err := topic.Subscribe(reader, "front", nil)
	if err != nil {
		t.Fatal(err)
	}
	late, err := topic.Subscribe(attach("late 👨‍👩‍👧 one"), "front", nil)
	if err != nil {
		t.Fatal(err)
	}
	front, err1 := topic.NewPublisher(writer, "front")
	quiet, err2 := topic.NewPublisher(writer, "back")
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if _, err := quiet.Publish(make([]byte, 1000), nil); err != nil {
		t.Fatal(err)
	}
	go func() {
		for range time.Tick(10 * time.Millisecond) {
			if _, err := front.Publish(bytes.Repeat([]byte{1}, 50_000), &topic.Meta{Width: 100, Height: 500, Format: "gray"}); err != nil || ctx.Err() != nil {
				ended <- err
				return
			}
		}
	}()
	go func() {
		for {
			msg, err := sub.Next(ctx)
			if err != nil {
				ended <- nil
				return
			}
			_, _ = reader.Get(msg.Frame) // a timeout is none of this test's business
		}
	}()
	t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-ended; err != nil && !errors.Is(err, framebuffer.ErrClosed) {
				t.Error(err)
			}
		}
		_ = sub.Close()
		_ = late.Close()
	})
	return traffic{name, s.Key, server}
}

// The real command on a real terminal: it finds the server, shows what goes on, obeys its
// keys, follows the terminal's size, and leaves everything as it was.
func TestTop(t *testing.T) {
	tr := withTraffic(t)
	term := inTerminal(t)
	before := term.state("before")
	term.run(`"$FB" top --interval 100ms --name ` + tr.name)
	term.until("rates", func(screen string) bool {
		return strings.Contains(screen, "! late") && strings.Contains(screen, "A back") && strings.Contains(screen, "B front") && !strings.Contains(screen, "horizon –")
	})
	beyond := regexp.MustCompile(`: lag \S+ in .*, \S+ overwritten`) // what the late one has not read is overwritten in the end
	screen := term.until("a lag beyond what is there", beyond.MatchString)
	for _, want := range []string{"framebuffer top  open", "4.0 MiB  sysv", "摄像头 camera", "keeps up", "late 👨 one", "CLIENT 4", "TOPIC 2", "SUBSCRIBER 2", "BBBBB", "q quit"} {
		if !strings.Contains(screen, want) {
			t.Errorf("no %q on\n%s", want, screen)
		}
	}
	if at := term.tmux("display", "-p", "#{alternate_on} #{cursor_flag}"); at != "1 0\n" {
		t.Errorf("alternate screen and cursor: %s", at)
	}
	// Columns stand straight in the terminal's own opinion, wide names or not.
	column := -1
	for line := range strings.Lines(screen) {
		if before, _, found := strings.Cut(line, "client  "); found {
			at := len([]rune(strings.ReplaceAll(strings.ReplaceAll(before, "摄像头", "......"), "👨", "..")))
			if column >= 0 && at != column {
				t.Errorf("ROLE is in columns %d and %d of\n%s", column, at, screen)
			}
			column = at
		}
	}

	term.keys("s")
	term.until("clients by name", func(screen string) bool { return inOrder(screen, "CLIENT▾", "framebuffer serve", "keeps up", "late") })
	term.keys("r")
	term.until("the other way round", func(screen string) bool { return inOrder(screen, "CLIENT▴", "late", "keeps up", "framebuffer serve") })
	term.keys("Tab", "s", "r", "z")
	term.until("topics alone, by name", func(screen string) bool {
		return inOrder(screen, "> TOPIC▴ 2", "B front", "A back") && !strings.Contains(screen, "SUBSCRIBER")
	})
	term.keys("?")
	term.shows("how long a frame written now lives")
	term.keys("?", "Space")
	paused := term.shows("PAUSED")
	term.tmux("resize-window", "-x", "120", "-y", "40")
	term.until("a bigger screen", func(screen string) bool {
		return strings.Contains(screen, "SIZE") && strings.Contains(strings.Split(screen, "\n")[39], "q quit")
	})
	term.tmux("resize-window", "-x", "40", "-y", "12")
	term.until("a smaller screen", func(screen string) bool {
		return !strings.Contains(screen, "SIZE") && strings.Contains(strings.Split(screen, "\n")[11], "q quit")
	})
	term.tmux("resize-window", "-x", "80", "-y", "24")
	term.until("the screen as it was while paused", func(screen string) bool { return screen == paused })
	term.keys("Space", "z")
	term.until("the end of the pause", func(screen string) bool {
		return !strings.Contains(screen, "PAUSED") && strings.Contains(screen, "SUBSCRIBER")
	})

	// To the background and back.
	term.keys("C-z")
	term.prompt()
	term.run("fg")
	term.shows("SUBSCRIBER")
	term.keys("q")
	term.prompt()
	if after := term.state("after"); after != before || !strings.Contains(after, "alternate 0 cursor 1") {
		t.Errorf("the terminal was\n%s and is\n%s", before, after)
	}
	term.run(`echo "status $?"`)
}

// inOrder reports whether some texts stand on a screen, each below or behind the one before.
func inOrder(screen string, texts ...string) bool {
	for _, text := range texts {
		at := strings.Index(screen, text)
		if at < 0 {
			return false
		}
		screen = screen[at+len(text):]
	}
	return true
}

// A server that hangs hinders nobody from looking, and one that ends or is killed is shown
// to have: so it is with a key.
func TestTopWithoutServer(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"CLOSED": syscall.SIGTERM, "GONE": syscall.SIGKILL} {
		tr := withTraffic(t)
		if err := tr.server.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		term := inTerminal(t, "FRAMEBUFFER_KEY="+tr.key, "TERM=vt100", "LC_ALL=C")
		term.run(`"$FB" top --interval 100ms; echo status $?`)
		term.until("a server that is stopped", func(screen string) bool {
			return strings.Contains(screen, "framebuffer top  open") && strings.Contains(screen, "stopped")
		})
		for _, s := range []syscall.Signal{syscall.SIGCONT, signal} {
			if err := tr.server.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
		_ = tr.server.Wait()
		screen := term.until("the end", func(screen string) bool {
			return inOrder(screen, "framebuffer top  "+name, "For another: framebuffer top --key KEY")
		})
		for _, r := range screen {
			if r > 127 {
				t.Errorf("%q goes to a vt100:\n%s", r, screen)
				break
			}
		}
		term.keys("C-c")
		term.shows("status 0")
	}
}

// Found by its name, a server that was killed or closed is followed by the next one, and by the
// next again; keys go on working.
func TestTopGoesOn(t *testing.T) {
	name, _, server := serving(t, "--size", "1MiB")
	term := inTerminal(t)
	term.run(`"$FB" top --interval 100ms --name ` + name + `; echo status $?`)
	term.shows("framebuffer top  open")
	term.keys("z", "s")
	for i, end := range []struct {
		signal       os.Signal
		state, ready string
	}{{os.Kill, "GONE", "2.0 MiB"}, {syscall.SIGTERM, "CLOSED", "3.0 MiB"}} {
		if err := server.Process.Signal(end.signal); err != nil {
			t.Fatal(err)
		}
		_ = server.Wait()
		term.until("that it waits for the next one", func(screen string) bool {
			return inOrder(screen, "framebuffer top  "+end.state, "Waiting for the next one.")
		})
		_, server = servingAs(t, name, "--size", strings.ReplaceAll(end.ready, " ", ""))
		term.until("the next one", func(screen string) bool {
			return inOrder(screen, fmt.Sprintf("framebuffer top  open  restarted %d×", i+1), end.ready, "no client is too slow", "CLIENT▾ 1", "framebuffer serve")
		})
	}
	term.keys("q")
	term.shows("status 0")
}

// Where nothing can be drawn in place, screens follow each other, without escape sequences;
// a signal ends it.
func TestTopOnADumbTerminal(t *testing.T) {
	tr := withTraffic(t)
	term := inTerminal(t)
	term.run(`TERM=dumb "$FB" top ` + tr.key + ` --interval 100ms; echo status $?`)
	term.until("two screens", func(string) bool {
		return strings.Count(term.tmux("capture-pane", "-p", "-S", "-200"), "framebuffer top  open") >= 2
	})
	if at := term.tmux("display", "-p", "#{alternate_on}"); at != "0\n" {
		t.Errorf("it is on the alternate screen: %s", at)
	}
	term.keys("C-c")
	term.shows("status 0")
}

// Without a terminal, or with nonsense, it says what to do.
func TestTopRefuses(t *testing.T) {
	for what, c := range map[string]struct {
		args []string
		says string
	}{
		"a pipe":       {[]string{"top"}, "framebuffer stat"},
		"JSON":         {[]string{"--json", "top"}, "framebuffer stat --json"},
		"an odd time":  {[]string{"top", "--interval", "soon"}, "soon"},
		"a second key": {[]string{"top", "a", "b"}, "b"},
	} {
		if r := runHere(t, "", c.args...); r.status != exitUsage || !strings.Contains(r.err, c.says) {
			t.Errorf("%s: %+v", what, r)
		}
	}
	term := inTerminal(t)
	turn, absent := 0, fmt.Sprintf("absent-%d", os.Getpid())
	for line, says := range map[string]string{
		"top --interval 1ms": "100ms to 1m", "top garbage": "not a key", "top --name " + absent: "framebuffer serve --name " + absent,
	} {
		turn++ // what the last one printed may still be there
		term.run(fmt.Sprintf(`clear; "$FB" %s; echo turn $((%d)) ended with $?`, line, turn))
		screen := term.shows(fmt.Sprintf("turn %d ended with ", turn))
		if !strings.Contains(strings.ReplaceAll(screen, "\n", ""), says) || strings.Contains(screen, "ended with 0") {
			t.Errorf("%s:\n%s", line, screen)
		}
	}
}
