package shm

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A socket that another process removes while its server is about to listen at it, as a server that
// starts beside it does with one that it takes for dead, is bound again: the server starts.
func TestSocketIsRemovedWhileItIsBound(t *testing.T) {
	dir, err := os.MkdirTemp("", "fb") // a short path, as a socket needs
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "x"+suffix)
	for range 300 { // about half of the removals come before the server has looked
		bound, ended := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			for unix.Unlink(path) != nil {
				select {
				case <-bound:
					return
				default:
				}
			}
		}()
		d := fdServer{path: path}
		err := d.bind()
		close(bound)
		<-ended
		if err != nil {
			t.Fatal(err)
		}
		_ = d.listener.Close()
		d.serving.Wait()
		_ = os.Remove(path)
	}
}
