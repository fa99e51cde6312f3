//go:build containers

package containers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/test/testproc"
)

// examples is where docs/containers.md has its files from.
const examples = "../../examples/containers"

// patience bounds each of what follows; it takes some seconds.
const patience = 90 * time.Second

// theReaderSays is what ends an example.
const theReaderSays = "read 50 frames of 6220800 bytes, every byte as it was written"

// within runs a program in the examples' folder, with podman's settings, for as long as patience.
func within(t *testing.T, env []string, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = examples, append(podman.environment(), env...)
	cmd.WaitDelay = time.Second // what it started may have its output
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

// awaitReader waits until the example's reader has said that all was well.
func awaitReader(t *testing.T, name string, others ...string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		said, err := podman.run("logs", name)
		if strings.Contains(said, theReaderSays) {
			return
		}
		if err != nil || time.Now().After(end) {
			for _, other := range others {
				logs, _ := podman.run("logs", other)
				said += other + ": " + logs
			}
			t.Fatalf("%s never said %q, but: %s, %v", name, theReaderSays, said, err)
		}
	}
}

// The files that docs/containers.md tells users to run are run: the script, with each backend,
// the compose files, and the pods.
func TestExamples(t *testing.T) {
	within(t, nil, "./build")
	for _, backend := range []string{"memfd", "file", "sysv"} {
		t.Run("run/"+backend, func(t *testing.T) {
			if said := within(t, []string{"BUILT=1"}, "./run", backend); !strings.Contains(said, theReaderSays) {
				t.Errorf("said: %s", said)
			}
			if left, err := podman.run("ps", "--all", "--quiet"); err != nil || left != "" {
				t.Errorf("containers left: %s, %v", left, err)
			}
			if left, err := podman.run("volume", "ls", "--quiet"); err != nil || left != "" {
				t.Errorf("volumes left: %s, %v", left, err)
			}
		})
	}
	t.Run("compose", func(t *testing.T) {
		docker := dockerHost(t)
		for _, backend := range []string{"memfd", "file", "sysv"} {
			t.Run(backend, func(t *testing.T) { compose(t, docker, backend) })
		}
	})
	t.Run("pod", func(t *testing.T) {
		volumesInMemory(t)
		for _, backend := range []string{"memfd", "file", "sysv"} {
			t.Run(backend, func(t *testing.T) { pod(t, backend) })
		}
	})
}

// dockerHost has podman answer as docker would, and returns the variable that says where.
func dockerHost(t *testing.T) string {
	t.Helper()
	socket := filepath.Join(podman.dir, "docker.sock")
	service := podman.command("system", "service", "--time=0", "unix://"+socket)
	var complaints bytes.Buffer
	service.Stderr = &complaints
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = service.Process.Kill()
		_ = service.Wait()
		if t.Failed() {
			t.Log(complaints.String())
		}
	})
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial("unix", socket)
		if err == nil {
			_ = c.Close()
			return "DOCKER_HOST=unix://" + socket
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// compose runs a compose file with Docker Compose, in which every container is as docker would
// have it: writer and reader may come before the key and are started again.
func compose(t *testing.T, docker, backend string) {
	project := fmt.Sprintf("fb%d%s", os.Getpid(), backend)
	file := fmt.Sprintf("compose.%s.yaml", backend)
	t.Cleanup(func() { // Compose would not remove them in the order that podman wants
		_, rm := podman.run("rm", "--force", "--depend", "--time", "1", project+"_reader_1", project+"_writer_1", project+"_server_1")
		_, volume := podman.run("volume", "rm", "--force", project+"_fb")
		if err := errors.Join(rm, volume); err != nil {
			t.Error(err)
		}
	})
	within(t, []string{docker}, "docker-compose", "-p", project, "-f", file, "up", "--detach")
	awaitReader(t, project+"_reader_1", project+"_server_1", project+"_writer_1")
	if mode, err := podman.run("inspect", "--format", "{{.HostConfig.IpcMode}}", project+"_reader_1"); err != nil || strings.HasPrefix(mode, "container:") != (backend == "sysv") {
		t.Errorf("the reader's IPC namespace: %s, %v", mode, err)
	}
}

// pod runs a pod's file as Kubernetes would.
func pod(t *testing.T, backend string) {
	file := fmt.Sprintf("pod.%s.yaml", backend)
	t.Cleanup(func() {
		within(t, nil, "podman", "kube", "down", file)
		if _, err := podman.run("volume", "rm", "--all", "--force"); err != nil {
			t.Error(err)
		}
	})
	within(t, nil, "podman", "kube", "play", "--network=none", "--build=false", file)
	name := "framebuffer-" + backend
	awaitReader(t, name+"-reader", name+"-server", name+"-writer")
}

// volumesInMemory puts podman's volumes on a tmpfs: it does not know an emptyDir's medium.
func volumesInMemory(t *testing.T) {
	t.Helper()
	testproc.NeedRoot(t)
	volumes := filepath.Join(podman.storage(), "volumes")
	if err := os.MkdirAll(volumes, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", volumes, "tmpfs", 0, "size=1g"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(volumes, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}
