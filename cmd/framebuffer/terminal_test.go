package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// terminal is a real one: a shell in tmux.
type terminal struct {
	t      testing.TB
	socket string
	output *os.File // whatever the terminal is sent, so that a change can be waited for
}

// patience only bounds how long a test that fails takes.
const patience = 2 * time.Minute

// inTerminal starts a shell in a terminal of 80 by 24, where $FB is the command.
func inTerminal(t testing.TB, environ ...string) *terminal {
	t.Helper()
	testproc.NeedTools(t, "tmux")
	dir, err := os.MkdirTemp("", "top") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "output")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	term := &terminal{t: t, socket: filepath.Join(dir, "socket")}
	if term.output, err = os.OpenFile(pipe, os.O_RDWR|syscall.O_NONBLOCK, 0); err != nil {
		t.Fatal(err)
	}
	args := []string{"-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24",
		"-e", "FB=" + self, "-e", "FRAMEBUFFER_TEST_COMMAND=1", "-e", "GORACE=atexit_sleep_ms=0", "-e", "LC_ALL=C.UTF-8", "-e", "NO_COLOR="}
	for _, e := range environ {
		args = append(args, "-e", e)
	}
	term.tmux(append(args, "exec /bin/sh")...)
	t.Cleanup(func() {
		term.tmux("kill-server")
		_ = term.output.Close()
		_ = os.RemoveAll(dir)
	})
	term.tmux("pipe-pane", "exec cat >"+pipe)
	term.until("a prompt", func(screen string) bool { return strings.TrimSpace(screen) != "" })
	return term
}

// tmux runs one of its commands.
func (term *terminal) tmux(args ...string) string {
	term.t.Helper()
	cmd := testproc.Command("tmux", append([]string{"-u", "-S", term.socket}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TMUX=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		term.t.Fatalf("tmux %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (term *terminal) screen() string { return term.tmux("capture-pane", "-p") }

// until waits until the screen is as wanted, and returns it. It looks again whenever the
// terminal was sent something.
func (term *terminal) until(what string, ok func(screen string) bool) string {
	term.t.Helper()
	_ = term.output.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 1<<16)
	for {
		screen := term.screen()
		if ok(screen) {
			return screen
		}
		if _, err := term.output.Read(buf); err != nil {
			term.t.Fatalf("waiting for %s: %v; the screen is\n%s", what, err, screen)
		}
	}
}

// shows waits until a text is on the screen.
func (term *terminal) shows(text string) string {
	term.t.Helper()
	return term.until(fmt.Sprintf("%q", text), func(screen string) bool { return strings.Contains(screen, text) })
}

func (term *terminal) keys(keys ...string) { term.tmux(append([]string{"send-keys"}, keys...)...) }

// prompt waits for the shell's: what is typed before is still top's, or lost.
func (term *terminal) prompt() {
	term.t.Helper()
	term.until("the shell's prompt", func(screen string) bool {
		lines := strings.Split(strings.TrimSpace(screen), "\n")
		return len(strings.TrimSpace(lines[len(lines)-1])) == 1
	})
}

// run types a command.
func (term *terminal) run(line string) {
	term.tmux("send-keys", "-l", line)
	term.keys("Enter")
}

// state is what programs may leave behind: the tty's settings and the terminal's modes.
func (term *terminal) state(mark string) string {
	term.t.Helper()
	term.run("stty -a | md5sum; echo " + mark + "''")
	screen := term.until(mark, func(screen string) bool { return strings.Contains(screen, "\n"+mark+"\n") })
	lines := strings.Split(screen, "\n")
	for i, l := range lines {
		if l == mark {
			return lines[i-1] + term.tmux("display", "-p",
				" alternate #{alternate_on} cursor #{cursor_flag} insert #{insert_flag} keypad #{keypad_flag} #{keypad_cursor_flag} mouse #{mouse_any_flag} origin #{origin_flag} wrap #{wrap_flag}")
		}
	}
	return ""
}
