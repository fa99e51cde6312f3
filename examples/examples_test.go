// Package examples holds the test of the example programs.
package examples

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// The server, the reader and three writers work together, each a process of its own.
func TestServerReaderWriter(t *testing.T) {
	t.Setenv("FRAMEBUFFER_NAME", fmt.Sprintf("examples-%d", os.Getpid())) // apart from other servers on this machine
	bin := t.TempDir()
	if out, err := testproc.Command("go", "build", "-o", bin, "./...").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server := start(t, filepath.Join(bin, "server"))
	server.expect("serving; key fb4_")
	reader := start(t, filepath.Join(bin, "reader"))
	reader.expect("waiting for frames")
	for range 3 {
		writer := start(t, filepath.Join(bin, "writer"))
		writer.expect("the reader says: ok")
		writer.end(nil)
		reader.expect("read 1048576 bytes, checksum ")
	}
	reader.end(os.Interrupt)
	server.end(syscall.SIGHUP)

	late := start(t, filepath.Join(bin, "writer"))
	late.expect("no server found")
	if err := late.cmd.Wait(); err == nil {
		t.Error("the writer was content without a server")
	}
}

type program struct {
	t   *testing.T
	cmd *exec.Cmd
	log *bufio.Reader
}

func start(t *testing.T, path string) *program {
	t.Helper()
	cmd := testproc.Command(path)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // if it still runs, the test has failed
	return &program{t, cmd, bufio.NewReader(stderr)}
}

// expect reads log lines until one has the text.
func (p *program) expect(text string) {
	p.t.Helper()
	var before strings.Builder
	for {
		line, err := p.log.ReadString('\n')
		if strings.Contains(line, text) {
			return
		}
		before.WriteString(line)
		if err != nil {
			p.t.Fatalf("%s never said %q but:\n%s", filepath.Base(p.cmd.Path), text, before.String())
		}
	}
}

// end asks the program to, unless it does by itself, and waits.
func (p *program) end(ask os.Signal) {
	p.t.Helper()
	if ask != nil {
		if err := p.cmd.Process.Signal(ask); err != nil {
			p.t.Fatal(err)
		}
	}
	rest, err := io.ReadAll(p.log)
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("%s: %v\n%s", filepath.Base(p.cmd.Path), err, rest)
	}
	if err != nil {
		p.t.Error(err)
	}
}
