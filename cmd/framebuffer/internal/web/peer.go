package web

import (
	"encoding/hex"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/core-framebuffer/framebuffer/internal/peers"
)

// sameUser reports whether a connection on loopback comes from a process of this process's user or of root,
// which could attach to the memory itself. The kernel's tables of connections have the user of each socket in
// this network namespace.
func (s *Server) sameUser(r *http.Request) bool {
	peer, err := net.ResolveTCPAddr("tcp", r.RemoteAddr)
	here, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if err != nil || !ok {
		return false
	}
	uid, known := owner(connTables(), peer, here)
	return known && peers.Trusted(uid)
}

// connTables are the kernel's tables of connections.
func connTables() string {
	var tables strings.Builder
	for _, file := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		if table, err := os.ReadFile(file); err == nil {
			tables.Write(table)
		}
	}
	return tables.String()
}

// connUsers returns the user of each connection by its pair of addresses, as pairOf writes it. It is for
// counting only: access is decided by owner.
func connUsers() map[string]string {
	users := map[string]string{}
	for line := range strings.Lines(connTables()) {
		f := strings.Fields(line)
		if len(f) < 8 {
			continue
		}
		from, isFrom := endpoint(f[1])
		to, isTo := endpoint(f[2])
		if isFrom && isTo {
			users[pairOf(&from, &to)] = f[7]
		}
	}
	return users
}

func pairOf(from, to *net.TCPAddr) string {
	return net.JoinHostPort(from.IP.String(), strconv.Itoa(from.Port)) + " " + net.JoinHostPort(to.IP.String(), strconv.Itoa(to.Port))
}

// owner returns, from tables as in /proc/net/tcp, the user of the socket that is connected from one address
// to another: sl local_address rem_address st queues timer retransmits uid …. State 1 is
// established; a socket that is closed already has no user. Both ends are compared, since another
// user's socket may have the same address at one end. The user is not known where there is
// no such socket, or more than one.
func owner(tables string, from, to *net.TCPAddr) (uid int, known bool) {
	found := 0
	for line := range strings.Lines(tables) {
		f := strings.Fields(line)
		if len(f) < 8 || f[3] != "01" || !is(f[1], from) || !is(f[2], to) {
			continue
		}
		n, err := strconv.Atoi(f[7])
		if err != nil {
			return 0, false
		}
		uid = n
		found++
	}
	return uid, found == 1
}

// is reports whether an address in a table is that one. An IPv4 address may stand there as an IPv6
// one that it is mapped to.
func is(entry string, a *net.TCPAddr) bool {
	e, ok := endpoint(entry)
	return ok && e.Port == a.Port && e.IP.Equal(a.IP)
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
