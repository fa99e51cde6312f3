package web

import (
	"encoding/hex"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
)

// sameUser reports whether a connection on loopback comes from a process of this one's user
// or of root, who could attach to the memory themselves. The kernel's tables of connections
// say whose a socket is, where it is of this network namespace.
func (s *Server) sameUser(r *http.Request) bool {
	peer, err := net.ResolveTCPAddr("tcp", r.RemoteAddr)
	if err != nil {
		return false
	}
	for _, file := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		table, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if uid, found := owner(string(table), peer, s.address().Port); found {
			return uid == 0 || uid == os.Geteuid()
		}
	}
	return false
}

// owner finds, in a table as in /proc/net/tcp, the socket that is connected from a local
// address to a port: sl local_address rem_address st queues timer retransmits uid …. State 1 is
// established; those that are closed already are nobody's.
func owner(table string, local *net.TCPAddr, port int) (uid int, found bool) {
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 8 {
			continue
		}
		from, ok1 := endpoint(f[1])
		to, ok2 := endpoint(f[2])
		if ok1 && ok2 && from.Port == local.Port && from.IP.Equal(local.IP) && to.Port == port && f[3] == "01" {
			uid, err := strconv.Atoi(f[7])
			return uid, err == nil
		}
	}
	return 0, false
}

// endpoint reads an address as those tables have it: words of four bytes in the machine's own
// order, which is little-endian on every machine supported, and the port.
func endpoint(s string) (a net.TCPAddr, ok bool) {
	host, port, _ := strings.Cut(s, ":")
	ip, err1 := hex.DecodeString(host)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if err1 != nil || err2 != nil || len(ip) != net.IPv4len && len(ip) != net.IPv6len {
		return a, false
	}
	for word := range slices.Chunk(ip, 4) {
		slices.Reverse(word)
	}
	return net.TCPAddr{IP: ip, Port: int(n)}, true
}
