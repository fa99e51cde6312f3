package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

const repository = "../.."

// leftOut are the README's commands that TestReadme does not run, and why.
var leftOut = map[string]string{
	"git clone https://github.com/core-framebuffer/framebuffer && cd framebuffer": "the test runs in a copy of the repository",
	"make test":         "it runs this test",
	"framebuffer bench": "it takes a minute: TestBench runs it",
	"framebuffer top":   "it draws on a terminal: the tests of top give it one",
	"python3 -m venv .venv && .venv/bin/pip install ./python": "python/tests/test_install.py runs it",
}

// servers are the commands that run until a signal, and what they say when they are ready.
var servers = map[string]string{
	"framebuffer serve":        "Ctrl-C ends it",
	"framebuffer web":          "Ctrl-C ends this",
	"go run ./examples/server": "serving; key",
	"go run ./examples/reader": "waiting for frames",
}

// readme returns the code of the README's blocks that begin with this fence, and lines of commands
// that are indented.
func readme(t *testing.T, fence string) (blocks []string, indented []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?s)```"+fence+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	plain := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(string(text), "")
	for _, m := range regexp.MustCompile(`(?m)^    (\S.*)$`).FindAllStringSubmatch(plain, -1) {
		indented = append(indented, m[1])
	}
	return blocks, indented
}

// Every command of the README runs in a fresh copy of the repository, in order, in one shell.
// Servers run in the background until the end.
func TestReadme(t *testing.T) {
	testproc.NeedTools(t, "bash", "ffmpeg", "ffplay")
	blocks, indented := readme(t, "sh")
	script := readmeScript(t, strings.Join(blocks, ""))
	for _, line := range indented {
		if leftOut[line] == "" {
			t.Errorf("a command in no block of sh: %q", line)
		}
	}
	dir := copyOfRepository(t)
	cmd := testproc.Command("bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), fmt.Sprintf("FRAMEBUFFER_NAME=readme-%d", os.Getpid()), // not the user's server
		"SDL_VIDEODRIVER=dummy", "SDL_AUDIODRIVER=dummy", "GOFLAGS=-buildvcs=false")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, said := range []string{"identical to the original or a timeout", "pub cam: 150 frames, 414720000 bytes, 0 lost", "the reader says: ok"} {
		if !strings.Contains(string(out), said) {
			t.Errorf("the README's commands do not say %q:\n%s", said, out)
		}
	}
}

// readmeScript makes a script of the README's commands. It ends the servers, by process group, and
// waits for the jobs that end by themselves.
func readmeScript(t *testing.T, commands string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`set -eum -o pipefail
groups=
trap 'for p in $groups; do kill -TERM -- -$p 2>/dev/null || true; done; wait || true' EXIT
ready() { # log, text
  until grep -q "$2" "$1"; do
    kill -0 $! || { cat "$1"; exit 1; }
    sleep 0.1
  done
}
`)
	job := false // in the background, and ends by itself
	n := 0
	for command := range strings.SplitSeq(strings.ReplaceAll(strings.TrimSpace(commands), "|\n", "| "), "\n") {
		command = strings.TrimSpace(strings.Split(command, "    #")[0])
		fmt.Fprintf(&b, "echo '+' %s >&2\n", quote(command))
		switch said, server := servers[command]; {
		case leftOut[command] != "":
		case server:
			n++
			if strings.HasPrefix(command, "go run ./examples") {
				command = "FRAMEBUFFER_NAME=$FRAMEBUFFER_NAME-examples " + command
			}
			fmt.Fprintf(&b, "%s >log.%d 2>&1 &\ngroups=\"$groups $!\"\nready log.%d '%s'\n", command, n, n, said)
		case strings.HasPrefix(command, "go run ./examples"):
			fmt.Fprintf(&b, "FRAMEBUFFER_NAME=$FRAMEBUFFER_NAME-examples %s\n", command)
		case strings.HasSuffix(command, " &"):
			fmt.Fprintf(&b, "%s\njob=$!\n", command)
			job = true
		default:
			fmt.Fprintln(&b, command)
			if job {
				b.WriteString("wait $job\n")
				job = false
			}
		}
	}
	return b.String()
}

// The README's Go compiles as it stands there, and runs.
func TestReadmeGo(t *testing.T) {
	blocks, _ := readme(t, "go")
	if len(blocks) == 0 {
		t.Fatal("the README has no Go")
	}
	var b strings.Builder
	b.WriteString(`package main

import (
	"context"
	"errors"
	"log"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

var _ = []any{context.Canceled, errors.Is, time.Time{}, topic.ErrEnded}

func main() {
	server, err := framebuffer.NewServer(1<<20, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client, err := framebuffer.Attach(server.Key(), nil)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // there is no frame to wait for
	for _, block := range blocks {
		if err := block(ctx, client, []byte("data"), 1000, func([]byte) error { return nil }); err != nil && !errors.Is(err, context.Canceled) {
			log.Fatal(err)
		}
	}
}

var blocks = []func(context.Context, *framebuffer.Client, []byte, int, func([]byte) error) error{
`)
	for _, block := range blocks {
		fmt.Fprintf(&b, "func(ctx context.Context, client *framebuffer.Client, data []byte, size int, detect func([]byte) error) error {\n{%s\nif err != nil { return err }}\nreturn nil\n},\n",
			strings.ReplaceAll(block, "500<<20", "1<<20"))
	}
	b.WriteString("}\n")
	dir, err := os.MkdirTemp(repository, ".readme-") // in the module, and not in what ./... means
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := testproc.Command("go", "run", "-buildvcs=false", file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, b.String())
	}
}

// copyOfRepository copies the source, without what tools and builds have left beside it.
func copyOfRepository(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	err := filepath.WalkDir(repository, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == repository {
			return err
		}
		if strings.HasPrefix(e.Name(), ".") || e.Name() == "bin" {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(repository, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > 8<<20 {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, info.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}
