//go:build containers

package containers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

const image = "framebuffer:test"

// engine is podman with a storage, locks and settings of its own, so that nothing else on the
// machine is touched, and nothing else can touch it: by default all of a machine's podmans have
// their locks in one file of /dev/shm, and each that begins anew frees those of the others.
type engine struct{ dir string }

var podman engine

func TestMain(m *testing.M) {
	code, err := withEngine(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withEngine(tests func() int) (code int, err error) {
	dir, err := os.MkdirTemp("", "framebuffer-containers-")
	if err != nil {
		return 1, err
	}
	podman = engine{dir}
	if err := podman.configure(); err != nil {
		return 1, err
	}
	defer func() {
		_, rm := podman.run("rm", "--all", "--force", "--time", "1")
		_, rmi := podman.run("rmi", "--all", "--force")
		err = errors.Join(err, rm, rmi, os.RemoveAll(dir))
	}()
	build := testproc.Command("go", "build", "-o", filepath.Join(dir, "framebuffer"), "../../cmd/framebuffer")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("%v: %w\n%s", build.Args, err, out)
	}
	if out, err := testproc.Command("tar", "-C", dir, "-cf", filepath.Join(dir, "image.tar"), "framebuffer").CombinedOutput(); err != nil {
		return 1, fmt.Errorf("tar: %w\n%s", err, out)
	}
	if _, err := podman.run("import", "--quiet", filepath.Join(dir, "image.tar"), image); err != nil {
		return 1, fmt.Errorf("%w (scripts/setup installs podman and runc; it takes root)", err)
	}
	return tests(), nil
}

// configure says how podman is to work: without systemd, with runc, which does not need it
// either, and with limits that any machine allows.
func (e engine) configure() error {
	settings := map[string]string{
		"containers.conf": fmt.Sprintf(`[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
runtime = "runc"
tmp_dir = %q
[engine.runtimes]
runc = [%q]
`, filepath.Join(e.dir, "tmp"), runc()),
		"storage.conf": fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n", e.storage(), filepath.Join(e.dir, "run")),
	}
	for name, text := range settings {
		if err := os.WriteFile(filepath.Join(e.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (e engine) storage() string { return filepath.Join(e.dir, "storage") }

// environment is that of podman, and of programs that call it.
func (e engine) environment() []string {
	return append(os.Environ(),
		"CONTAINERS_CONF="+filepath.Join(e.dir, "containers.conf"), "CONTAINERS_STORAGE_CONF="+filepath.Join(e.dir, "storage.conf"))
}

func (e engine) command(args ...string) *exec.Cmd {
	cmd := testproc.Command("podman", args...)
	cmd.Env = e.environment()
	return cmd
}

// runc is where it is installed: sbin may not be in the path.
func runc() string {
	if path, err := exec.LookPath("runc"); err == nil {
		return path
	}
	return "/usr/sbin/runc"
}

func (e engine) run(args ...string) (string, error) {
	out, err := e.command(args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("podman %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// box is what every container gets: nothing but its own namespaces, unless a flag names the network.
func box(flags ...string) []string {
	all := []string{
		"run", "--rm", "--interactive", "--read-only", "--cap-drop=all",
		"--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024",
	}
	if !slices.ContainsFunc(flags, func(f string) bool { return strings.HasPrefix(f, "--network=") }) {
		all = append(all, "--network=none")
	}
	return append(all, flags...)
}

// started is a command that runs in a container.
type started struct {
	*exec.Cmd
	name     string
	out, err bytes.Buffer
}

// start runs `framebuffer args` in a container with the flags.
func start(t *testing.T, stdin string, flags []string, args ...string) *started {
	t.Helper()
	s := &started{name: fmt.Sprintf("framebuffer-%d-%d", os.Getpid(), time.Now().UnixNano())}
	all := append(box(append([]string{"--name", s.name}, flags...)...), image, "/framebuffer")
	s.Cmd = podman.command(append(all, args...)...)
	s.Stdin, s.Stdout, s.Stderr = strings.NewReader(stdin), &s.out, &s.err
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

// result is what a command left.
type result struct {
	out, err string
	status   int
}

func (s *started) end(t *testing.T) result {
	t.Helper()
	if err := s.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return result{s.out.String(), s.err.String(), s.ProcessState.ExitCode()}
}

func run(t *testing.T, stdin string, flags []string, args ...string) result {
	t.Helper()
	return start(t, stdin, flags, args...).end(t)
}

// serve starts a server in a container and returns that container's name and the key.
func serve(t *testing.T, flags []string, args ...string) (name, key string) {
	t.Helper()
	name, key, cmd := launch(t, flags, args...)
	t.Cleanup(func() {
		if _, err := podman.run("stop", "--time", "10", name); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return name, key
}

// launch is serve without an end.
func launch(t *testing.T, flags []string, args ...string) (name, key string, cmd *exec.Cmd) {
	t.Helper()
	name = fmt.Sprintf("framebuffer-%d-%d", os.Getpid(), time.Now().UnixNano())
	all := append(box(append([]string{"--name", name}, flags...)...), image, "/framebuffer", "--json", "serve")
	cmd = podman.command(append(all, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said struct{ Key string }
	if err := json.NewDecoder(out).Decode(&said); err != nil {
		t.Fatal(err)
	}
	return name, said.Key, cmd
}
