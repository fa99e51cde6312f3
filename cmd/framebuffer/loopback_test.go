package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"
)

// What serve opens to the network is the embedded NATS: on loopback, as the kernel says it, at no
// other address of this machine, and closed to who lacks the credentials, on this machine too.
func TestServeListensOnLoopbackOnly(t *testing.T) {
	_, s, cmd := serving(t, "--size", "64KiB")
	where := listening(t, cmd.Process.Pid)
	at, err := url.Parse(s.NATS)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range where {
		if !a.IP.IsLoopback() {
			t.Errorf("serve listens at %v", a)
		}
	}
	if len(where) != 1 || where[0].String() != at.Host {
		t.Errorf("serve listens at %v, and says %s", where, s.NATS)
	}
	others, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range others {
		ip, ok := a.(*net.IPNet)
		if !ok || ip.IP.IsLoopback() || ip.IP.IsLinkLocalUnicast() {
			continue
		}
		c, err := net.Dial("tcp", net.JoinHostPort(ip.IP.String(), at.Port()))
		if err == nil {
			_ = c.Close()
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("at %v: %v", ip.IP, err)
		}
	}
	for who, opts := range map[string][]nats.Option{"nobody": nil, "who guesses": {nats.UserInfo("framebuffer", "guess")}, "a token": {nats.Token(s.Key)}} {
		nc, err := nats.Connect(s.NATS, opts...)
		if err == nil {
			nc.Close()
		}
		if !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s got in: %v", who, err)
		}
	}
	if r := runCommand(t, "", "key", "--name", s.Name); r.out != s.Key+"\n" { // and with them it works
		t.Errorf("key: %+v", r)
	}
}

// listening is where a process listens by TCP, by the kernel's account.
func listening(t *testing.T, pid int) (all []*net.TCPAddr) {
	t.Helper()
	mine := map[string]bool{} // sockets, by their inode
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(fds) == 0 {
		t.Fatalf("descriptors of %d: %v, %v", pid, fds, err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "socket:[") {
			mine[strings.Trim(to, "socket:[]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if errors.Is(err, os.ErrNotExist) && table == "tcp6" {
			continue // a kernel without
		}
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line) // sl local_address rem_address st … inode
			const listen = "0A"
			if len(f) < 10 || f[3] != listen || !mine[f[9]] {
				continue
			}
			var port int
			host, hexPort, _ := strings.Cut(f[1], ":")
			ip := make(net.IP, len(host)/2)
			for i := range ip { // words in the machine's order
				if _, err := fmt.Sscanf(host[2*i:2*i+2], "%02X", &ip[i&^3+3-i&3]); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := fmt.Sscanf(hexPort, "%04X", &port); err != nil {
				t.Fatal(err)
			}
			all = append(all, &net.TCPAddr{IP: ip, Port: port})
		}
	}
	return all
}
