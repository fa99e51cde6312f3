package main

import (
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/shm"
	"github.com/core-framebuffer/framebuffer/service"
)

// sharedKey is the key file of the server of that name in the directory where processes meet that
// share nothing else, or "" if there is no such directory.
func sharedKey(name string) string {
	dir := shm.SharedDir()
	if dir == "" || !fileName.MatchString(name) {
		return ""
	}
	return filepath.Join(dir, name+".key")
}

var fileName = regexp.MustCompile(`^[A-Za-z0-9-][A-Za-z0-9.-]{0,63}$`)

// elsewhere is the key file to go on with for a client that has found no server by its name: that of
// the directory where the two meet, if the server is in another network namespace or starts later.
// It is "" where err says something else, and where there is no such directory.
func (l *lookup) elsewhere(err error) (keyFile string) {
	if l.NATS != "" || !errors.Is(err, service.ErrNoServer) {
		return ""
	}
	return sharedKey(l.Name)
}

// showKey writes a server's key for clients that share its directory and nothing else, and returns
// what takes it away again. A server that cannot write there, or finds that of another server of its
// name that runs, goes on without.
func (c *serveCmd) showKey(e *env, key string) (remove func()) {
	file := sharedKey(c.Name)
	if file == "" || c.KeyFile != "" {
		return func() {}
	}
	if was, err := readKey(file); err == nil {
		if other, err := framebuffer.Attach(was, &framebuffer.ClientOptions{ReadOnly: true, Unlisted: true}); err == nil {
			_ = other.Close()
			e.log.Warn("another server of this name has its key there: clients in other network namespaces find that one; choose another --name, or another directory",
				"framebuffer.server.name", c.Name, "file.path", file)
			return func() {}
		}
	}
	remove, err := keepKey(e.log, file, key, c.permit(e.log))
	if err != nil {
		level := e.log.Warn
		if errors.Is(err, fs.ErrPermission) { // the directory is another user's
			level = e.log.Info
		}
		level("the key is not written for clients in other network namespaces", "file.path", file, "error.message", err)
		return func() {}
	}
	return remove
}
