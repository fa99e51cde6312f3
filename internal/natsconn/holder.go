package natsconn

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// pidOf returns a process of this user's that has bound an abstract name, of those whose descriptors
// this process may see; 0 if there is none.
func pidOf(at string) int {
	const inode, name = 6, 7 // columns
	f, err := os.Open("/proc/net/unix")
	if err != nil {
		return 0
	}
	defer f.Close()
	socket := ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > name && fields[name] == at {
			socket = fmt.Sprintf("socket:[%s]", fields[inode])
			break
		}
	}
	if socket == "" {
		return 0
	}
	all, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range all {
		if to, err := os.Readlink(fd); err != nil || to != socket {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(fd, "/")[2])
		if err == nil && mine(pid) {
			return pid
		}
	}
	return 0
}

// mine reports whether a process is this user's.
func mine(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 2 && f[0] == "Uid:" { // real, effective, …
			return f[2] == strconv.Itoa(os.Geteuid())
		}
	}
	return false
}
