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

// sharedKey returns the key file of the server of that name in the shared directory, through which
// processes in different network namespaces find each other. It is "" without such a directory.
func sharedKey(name string) string {
	dir := shm.SharedDir()
	if dir == "" || !fileName.MatchString(name) {
		return ""
	}
	return filepath.Join(dir, name+".key")
}

var fileName = regexp.MustCompile(`^[A-Za-z0-9-][A-Za-z0-9.-]{0,63}$`)

// elsewhere returns the key file with which a client tries again after it found no server by its
// name: the server may be in another network namespace, or start later. It is "" if err is another
// error, or without a shared directory.
func (l *lookup) elsewhere(err error) (keyFile string) {
	if l.NATS != "" || !errors.Is(err, service.ErrNoServer) {
		return ""
	}
	return sharedKey(l.Name)
}

// showKey writes the server's key to [sharedKey], and returns a function that removes it. If it
// cannot write there, or another running server of the same name has its key there, the server runs
// without.
func (c *serveCmd) showKey(e *env, key string) (remove func()) {
	file := sharedKey(c.Name)
	if file == "" || c.KeyFile != "" {
		return func() {}
	}
	if was, err := readKey(file); err == nil {
		if other, err := framebuffer.Attach(was, &framebuffer.ClientOptions{ReadOnly: true, Unlisted: true}); err == nil {
			_ = other.Close()
			e.log.Warn("another server of this name has its key there: clients in other network namespaces find that server; choose another --name, or another directory",
				"framebuffer.server.name", c.Name, "file.path", file)
			return func() {}
		}
	}
	remove, err := keepKey(e.log, file, key, c.permit(e.log))
	if err != nil {
		level := e.log.Warn
		if errors.Is(err, fs.ErrPermission) { // another user's directory
			level = e.log.Info
		}
		level("the key is not written for clients in other network namespaces", "file.path", file, "error.message", err)
		return func() {}
	}
	return remove
}
