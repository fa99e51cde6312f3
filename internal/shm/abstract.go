package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/core-framebuffer/framebuffer/internal/failpoint"
	"github.com/core-framebuffer/framebuffer/internal/fberr"
	"github.com/core-framebuffer/framebuffer/internal/peers"
)

// A server of memfd answers at an abstract name too. Processes of its network namespace that do not
// see its directory (the other containers of a pod, services with a /tmp of their own) attach by
// that name, with nothing mounted. An abstract name has no owner, and any process can bind one
// that its server has left. So clients trust only a server of their own user or of root.

// abstractOf returns the abstract name of the server whose socket has that path. It contains the random
// bits of the path, so that no other process can bind it first.
func abstractOf(path string) string {
	return "@framebuffer/" + strings.TrimSuffix(filepath.Base(path), suffix)
}

// listenAbstract listens at the abstract name. A server that cannot is found only by its path.
func (d *fdServer) listenAbstract() {
	l, err := peers.Listen(abstractOf(d.path))
	if err != nil {
		if d.log != nil {
			d.log.Info("clients find this server by its directory alone", "error.message", err)
		}
		return
	}
	d.abstract = l
	d.serving.Go(func() { d.serve(l) })
}

// cannotMakeDir reports whether a directory cannot be made by this or any other user but root: the file
// system is read-only, as in some containers, or belongs to root.
func cannotMakeDir(err error) bool {
	return errors.Is(err, unix.EROFS) || errors.Is(err, unix.EACCES)
}

// noDir is a directory in which no process can make a file.
const noDir = "/proc/framebuffer"

// listenAbstractOnly listens only at the abstract name, for a server that was given no directory and
// could make none. The path in its key does not exist.
func (d *fdServer) listenAbstractOnly(why error) error {
	d.path = filepath.Join(noDir, filepath.Base(d.path))
	if err := d.openToRead(); err != nil {
		return err
	}
	if d.listenAbstract(); d.abstract == nil {
		return why
	}
	failpoint.Hit(failpoint.StartListening)
	if d.log != nil {
		d.log.Warn("no directory for this server's socket can be made: clients of this user in the same network namespace attach, and no others; name a directory with --dir or "+DirVariable,
			"error.message", why)
	}
	return nil
}

func (d *fdServer) closeAbstract() error {
	if d.abstract == nil {
		return nil
	}
	return d.abstract.Close()
}

// dialServer connects to the server whose socket has that path, by its abstract name if the path does
// not exist here. doubt is why the server's user is not known, as doubtOf returns it.
func dialServer(path string, end time.Time) (c *net.UnixConn, doubt string, err error) {
	c, err = peers.Dial(path, end)
	judge := doubtOf
	if errors.Is(err, fs.ErrNotExist) {
		abstract, abstractErr := peers.Dial(abstractOf(path), end)
		if abstractErr != nil {
			return nil, "", err
		}
		c, judge = abstract, checkAbstract
	} else if err != nil {
		return nil, "", err
	}
	if err = c.SetDeadline(end); err == nil {
		doubt, err = judge(c, path)
	}
	if err != nil {
		return nil, "", errors.Join(err, c.Close())
	}
	return c, doubt, nil
}

// checkAbstract returns [fberr.Permission] unless the process at the other end of an abstract name is of
// this user, or of root. It leaves no doubt.
func checkAbstract(c *net.UnixConn, path string) (doubt string, err error) {
	server, err := peers.Of(c)
	if err != nil {
		return "", fmt.Errorf("ask at %s which user's server it is: %w", abstractOf(path), err)
	}
	return "", judgeAbstract(server.UID, os.Geteuid(), peers.Overflowing().UID, path)
}

func judgeAbstract(server, client, overflow int, path string) error {
	if server != overflow && (server == root || server == client) {
		return nil
	}
	return fmt.Errorf("%w: there is no %s here, and what listens at %s is a process of user %d, which this process, of user %d, does not believe to be the server: mount the server's directory (at the same path, or where %s says)",
		fberr.Permission, path, abstractOf(path), server, client, DirVariable)
}
