package shm

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/peers"
)

// checkIDs returns an error if the lists have an id that stands for many users or groups, and warns if the
// server's own user id is such an id.
func (d *fdServer) checkIDs() error {
	for _, l := range []struct {
		what  string
		stand int
		lists map[int]right
	}{{"user", d.overflow.UID, d.access.users}, {"group", d.overflow.GID, d.access.group}} {
		if _, ok := l.lists[l.stand]; ok {
			return fmt.Errorf("framebuffer: %s id %d cannot be let in: in this user namespace it stands for every %[1]s that has no id here: give that %[1]s an id here (podman run --uidmap, --gidmap), or let in all users (--mode)",
				l.what, l.stand)
		}
	}
	if os.Geteuid() == d.overflow.UID && d.log != nil {
		d.log.Warn("this server runs as the user that stands for every user without an id in this user namespace, so that it cannot tell its own user from others: clients have what the mode gives all users; run it as another user",
			"user.id", os.Geteuid())
	}
	return nil
}

// doubtOf compares the user at the other end of a connection with the owner of the socket's directory,
// before anything received is trusted. doubt is why the server may be any user's; it is "" if the server
// runs as the directory's owner, this user or root. doubtOf returns [fberr.Permission] if it runs as
// another user.
func doubtOf(c *net.UnixConn, path string) (doubt string, err error) {
	server, err := peers.Of(c)
	if err != nil {
		return "", fmt.Errorf("ask at %s which user's server it is: %w", path, err)
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return "", fmt.Errorf("ask at %s which user's directory it is in: %w", path, err)
	}
	return judgeServer(server.UID, os.Geteuid(), dir, peers.Overflowing().UID, path)
}

// namedFor returns the user whose id is in the name of a default directory, and -1 for any other
// directory. While that user has no directory there, any other user can make it, and own it.
func namedFor(path string) int {
	after, ok := strings.CutPrefix(filepath.Base(filepath.Dir(path)), defaultDir)
	if uid, err := strconv.Atoi(after); ok && err == nil {
		return uid
	}
	return -1
}

func judgeServer(server, client int, dir fs.FileInfo, overflow int, path string) (doubt string, err error) {
	owner := ownerOf(dir)
	switch {
	case server == overflow:
		return fmt.Sprintf("the server at %s runs as a user that has no id in this user namespace (it shows as %d), so that it cannot be told from other such users", path, overflow), nil
	case server == root, server == client:
		return "", nil
	case namedFor(path) == client:
		return "", fmt.Errorf("%w: what listens at %s is a process of user %d, and the directory is named after this user, %d: another user has taken the server's place: remove the directory",
			fberr.Permission, path, server, client)
	case namedFor(path) >= 0 && namedFor(path) != server:
		return fmt.Sprintf("the server at %s runs as user %d, and its directory is named after user %d", path, server, namedFor(path)), nil
	case server == owner:
		return "", nil
	case owner == overflow:
		return fmt.Sprintf("the server at %s runs as user %d, and the owner of its directory has no id in this user namespace (it shows as %d), so that the two cannot be compared", path, server, overflow), nil
	case owner == root && dir.Mode()&fs.ModeSticky != 0:
		return fmt.Sprintf("the server at %s runs as user %d, and every user may have a socket in that directory", path, server), nil
	}
	return "", fmt.Errorf("%w: what listens at %s is a process of user %d, and the directory belongs to user %d: another user's process may have taken the server's place: give servers a directory that belongs to their user",
		fberr.Permission, path, server, owner)
}
