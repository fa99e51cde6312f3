package hosts

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// natsCLI is the version of the plain client whose commands the documents have.
const natsCLI = "github.com/nats-io/natscli/nats@v0.5.1"

// shell runs commands of the documents in a host's network namespace, with the plain client.
type shell struct {
	w    *network
	host int
	dir  string
	env  []string
}

func newShell(w *network, host int, env ...string) *shell {
	w.t.Helper()
	s := &shell{w: w, host: host, dir: w.t.TempDir()}
	build := testproc.Command("go", "install", natsCLI)
	build.Env = append(os.Environ(), "GOBIN="+s.dir)
	if out, err := build.CombinedOutput(); err != nil {
		w.t.Fatalf("go install %s: %v\n%s", natsCLI, err, out)
	}
	// Nothing of this user's own contexts, and no colours.
	s.env = append(os.Environ(), "PATH="+s.dir+":"+os.Getenv("PATH"), "HOME="+s.dir, "XDG_CONFIG_HOME="+s.dir, "TERM=dumb")
	s.env = append(s.env, env...)
	return s
}

// run returns what the command prints, as a terminal would show it.
func (s *shell) run(line string) string {
	s.w.t.Helper()
	cmd := testproc.Command("timeout", "60", "ip", "netns", "exec", s.w.ns(s.host), "sh", "-ec", line)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.w.t.Errorf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

// documented are the commands in a section of a document: indented lines, without their remarks.
func documented(t *testing.T, path, section string) (commands []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n## "+section+"\n")
	if !found {
		t.Fatalf("%s has no section %q", path, section)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	for line := range strings.Lines(rest) {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			command, _, _ = strings.Cut(strings.TrimSpace(command), "  ") // behind it they stand in a column
			commands = append(commands, strings.TrimSpace(command))
		}
	}
	return commands
}

// The commands for the plain `nats` client in docs/wire.md do what stands there, as they stand there.
func TestPlainClient(t *testing.T) {
	const users = "\nlisten: \"127.0.0.1:4222\", authorization { user: framebuffer, password: PASSWORD }"
	w := newNetwork(t, 2)
	var hosts []*proc
	for i := 1; i <= 2; i++ {
		conf := clusterFile(t, i, 2)
		add(t, conf, users)
		hosts = append(hosts, w.start(i, plan{Ring: ring, Config: conf, RemoteAllocate: ring}))
	}
	cam, gpu := hosts[0], hosts[1]
	cam.sees("h1", "h2")
	gpu.sees("h1", "h2")
	ids := cam.do(order{Do: "hosts"}).IDs
	cam.must(order{Do: "publish", Topic: "cam", Size: 1000, Gap: 50 * time.Millisecond}) // in minutes no round of the ring
	f := cam.must(order{Do: "put", Size: 1000, Seed: 5}).Frame
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(f.Key)))
	s := newShell(w, 2, "FRAME="+f.String(), "KEY="+f.Key) // from the other host

	const tag = "printf %s \"$KEY\" | sha256sum | cut -c1-32"
	if text, err := os.ReadFile("../../docs/wire.md"); err != nil || !strings.Contains(string(text), "`"+tag+"`") {
		t.Errorf("docs/wire.md says otherwise how a tag is made (%v)", err)
	}
	if got := strings.TrimSpace(s.run(tag)); got != sum[:32] {
		t.Errorf("tag %s, not %s", got, sum[:32])
	}
	contains := func(want ...string) func(string) bool {
		return func(out string) bool {
			return !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(out, w) })
		}
	}
	wanted := map[string]func(string) bool{
		"export NATS_URL=nats://framebuffer:PASSWORD@127.0.0.1:PORT": contains(),
		"nats micro ls":                                contains("framebuffer", ids[0], ids[1]),
		"nats micro stats framebuffer":                 contains("get_key", "allocate"),
		"nats req framebuffer.about ''":                contains(`"host":"h`, `"topics":`),
		"nats req framebuffer.ID.about ''":             contains(`"host":"h1"`, `"name":"cam"`),
		"nats req framebuffer.at.gpu '' --replies 0":   func(out string) bool { return contains("h2", ids[1])(out) && !strings.Contains(out, ids[0]) },
		"nats req framebuffer.origin cam --replies 0":  func(out string) bool { return contains("h1", ids[0])(out) && !strings.Contains(out, ids[1]) },
		"nats req framebuffer.ID.get_key ''":           contains(f.Key),
		"nats req framebuffer.ID.allocate 6220800":     regexp.MustCompile(`\n\d+\n`).MatchString,
		`nats req --raw framebuffer.read.TAG "$FRAME"`: contains(string(content(5, 1000))),
	}
	fill := strings.NewReplacer(":PORT", ":4222", ".ID.", "."+ids[0]+".", ".TAG ", "."+sum[:32]+" ", ".at.gpu", ".at.h2")
	url := ""
	for _, line := range documented(t, "../../docs/wire.md", "With nothing but NATS") {
		ok, known := wanted[line]
		delete(wanted, line)
		if !known {
			t.Errorf("nothing is known of what `%s` should print", line)
			continue
		}
		line = fill.Replace(line)
		if strings.HasPrefix(line, "export ") {
			url = line + "\n"
			continue
		}
		if out := s.run(url + line); !ok(out) {
			t.Errorf("%s printed\n%s", line, out)
		}
	}
	for line := range wanted {
		t.Errorf("docs/wire.md no longer has `%s`", line)
	}
	// What goes wrong comes as headers.
	out := s.run(url + "nats req framebuffer." + ids[0] + ".allocate 99999999999")
	if !contains("Nats-Service-Error-Code: TOO_LARGE", "Nats-Service-Error: ", "Framebuffer-Id: "+ids[0])(out) {
		t.Errorf("too much printed\n%s", out)
	}
	cam.must(order{Do: "stop"})
	for _, h := range hosts {
		h.Done()
	}
}

// A recording is an ordinary stream to the plain client: what docs/recording.md does with one leaves what stands there.
func TestPlainClientAndRecordings(t *testing.T) {
	w := newNetwork(t, 1)
	conf := file(t, fmt.Sprintf("listen: \"127.0.0.1:4222\", jetstream { store_dir: %q }, authorization { user: framebuffer, password: p }", t.TempDir()))
	h := w.start(1, plan{Ring: ring, Config: conf, RemoteAllocate: ring})
	h.must(order{Do: "record", Topic: "cam", Recording: "cam-monday"})
	h.must(order{Do: "publish", Topic: "cam", Size: most, Gap: 5 * time.Millisecond})
	frames := func(r result) uint64 {
		if len(r.Recordings) != 1 || r.Recordings[0].Name != "cam-monday" || r.Recordings[0].Topic != "cam" {
			return 0
		}
		return r.Recordings[0].Frames
	}
	recorded := func(what string, ok func(frames uint64) bool) uint64 {
		t.Helper()
		return frames(until(t, what, func() (result, bool) {
			r := h.must(order{Do: "recordings"})
			return r, ok(frames(r))
		}))
	}
	recorded("50 frames", func(n uint64) bool { return n >= 50 })
	h.must(order{Do: "stop"})
	last := uint64(0)
	all := recorded("no more come", func(n uint64) bool { still := n == last; last = n; return still })

	s := newShell(w, 1, "NATS_URL=nats://framebuffer:p@127.0.0.1:4222")
	wanted := map[string]func(out string){
		"nats stream ls": func(out string) {
			if !strings.Contains(out, "FRAMES_cam-monday") {
				t.Errorf("no recording in\n%s", out)
			}
		},
		"nats stream info FRAMES_cam-monday": func(out string) {
			if !strings.Contains(out, "FRAMES_cam-monday") || !strings.Contains(out, "Messages:") {
				t.Errorf("no stream's information in\n%s", out)
			}
		},
		"nats stream backup FRAMES_cam-monday ./backup": func(string) {
			if found, err := os.ReadDir(filepath.Join(s.dir, "backup")); err != nil || len(found) == 0 {
				t.Errorf("%v, %d files", err, len(found))
			}
			s.run("nats stream rm FRAMES_cam-monday -f")
			recorded("it is deleted", func(n uint64) bool { return n == 0 })
			s.run("nats stream restore ./backup")
			if n := recorded("it is there again", func(n uint64) bool { return n > 0 }); n != all {
				t.Errorf("%d frames of %d were restored", n, all)
			}
		},
		"nats stream purge FRAMES_cam-monday": func(string) {
			recorded("it is empty", func(n uint64) bool { return n == 0 })
		},
	}
	for _, line := range documented(t, "../../docs/recording.md", "With nothing but NATS") {
		look, known := wanted[line]
		if !known {
			t.Errorf("nothing is known of what `%s` should do", line)
			continue
		}
		delete(wanted, line)
		if strings.Contains(line, " purge ") {
			line += " -f" // it asks
		}
		look(s.run(line))
	}
	for line := range wanted {
		t.Errorf("docs/recording.md no longer has `%s`", line)
	}
	h.Done()
}
