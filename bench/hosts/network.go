package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// network is a bridge in a namespace of its own, and hosts around it.
type network struct {
	name, dir string
	n         int
}

func newNetwork(n int) (*network, error) {
	w := &network{name: fmt.Sprintf("fbb%d", os.Getpid()%100_000), n: n}
	dir, err := os.MkdirTemp("", "framebuffer-hosts-")
	if err != nil {
		return w, err
	}
	w.dir = dir
	for i := range n + 1 {
		err = errors.Join(err, ip("netns add "+w.ns(i)), w.in(i, "link set lo up"))
	}
	err = errors.Join(err, w.in(0, "link add bridge type bridge"), w.in(0, "link set bridge up"))
	for i := 1; i <= n; i++ {
		err = errors.Join(err,
			w.in(0, fmt.Sprintf("link add port%d type veth peer name eth0 netns %s", i, w.ns(i))),
			w.in(0, fmt.Sprintf("link set port%d master bridge up", i)),
			w.in(i, "addr add "+address(i)+"/24 dev eth0"), w.in(i, "link set eth0 up"))
	}
	return w, err
}

func (w *network) ns(i int) string                { return w.name + "-" + strconv.Itoa(i) }
func (w *network) in(i int, command string) error { return ip("-n " + w.ns(i) + " " + command) }
func address(i int) string                        { return "10.78.0." + strconv.Itoa(i) }

func ip(command string) error {
	if out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", command, err, out)
	}
	return nil
}

func (w *network) remove() {
	for i := range w.n + 1 {
		_ = ip("netns del " + w.ns(i)) // its links go with it
	}
	_ = os.RemoveAll(w.dir) // in the folder for temporary files
}

// hostProcess is a host's process, from the outside.
type hostProcess struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// start runs a host, whose NATS is one of a cluster of n: inside of serve, or beside it.
func (w *network) start(i, n int, where string) (*hostProcess, error) {
	var routes []string
	for j := 1; j <= n; j++ {
		if j != i {
			routes = append(routes, "nats://"+address(j)+":6222")
		}
	}
	conf := filepath.Join(w.dir, fmt.Sprintf("h%d.conf", i))
	text := fmt.Sprintf("cluster { name: c, listen: %s:6222, routes: [%s] }\n", address(i), strings.Join(routes, ", "))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	h := &hostProcess{cmd: exec.Command("ip", "netns", "exec", w.ns(i), self, "play", fmt.Sprintf("h%d", i), conf, where)}
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWIPC} // others' memory is out of reach
	h.cmd.Stderr = os.Stderr
	in, err1 := h.cmd.StdinPipe()
	out, err2 := h.cmd.StdoutPipe()
	if err := errors.Join(err1, err2, h.cmd.Start()); err != nil {
		return nil, err
	}
	h.in, h.out = in, bufio.NewReader(out)
	_, err = h.answer()
	return h, err
}

func (h *hostProcess) do(o order) (answer, error) {
	line, err := json.Marshal(o)
	if err != nil {
		return answer{}, err
	}
	if _, err := h.in.Write(append(line, '\n')); err != nil {
		return answer{}, err
	}
	return h.answer()
}

func (h *hostProcess) answer() (a answer, err error) {
	line, err := h.out.ReadBytes('\n')
	if err != nil {
		return a, fmt.Errorf("%v ended: %w", h.cmd.Args, err)
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return a, err
	}
	if a.Err != "" {
		return a, errors.New(a.Err)
	}
	return a, nil
}

func (h *hostProcess) stop() {
	_ = h.in.Close()
	_ = h.cmd.Wait() // what it had to say it has said
}
