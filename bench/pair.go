package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

// maxFrame is the largest frame: 4K RGB.
const maxFrame = 24883200

// payload is what every rival sends; rivals/rival.h has the same.
func payload() []byte {
	p := make([]byte, maxFrame)
	for i := range p {
		p[i] = byte(i*131 + (i>>8)*29)
	}
	return p
}

// check samples a frame, so that a rival which delivers nonsense is found out for free.
func check(p []byte) error {
	for i := 0; i < len(p); i += len(p)/7 + 1 {
		if p[i] != byte(i*131+(i>>8)*29) {
			return fmt.Errorf("wrong byte %d of %d", i, len(p))
		}
	}
	return nil
}

// startReader runs the reader of a rival and returns the socket to it.
func startReader(name string) (net.Conn, func() error, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	theirs := os.NewFile(uintptr(fds[1]), "theirs")
	cmd := exec.Command("/proc/self/exe", "rival", name, "reader")
	cmd.ExtraFiles, cmd.Stderr = []*os.File{theirs}, os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	ours := os.NewFile(uintptr(fds[0]), "ours")
	conn, err := net.FileConn(ours)
	if err := errors.Join(err, theirs.Close(), ours.Close()); err != nil {
		return nil, nil, err
	}
	return conn, func() error { return errors.Join(conn.Close(), cmd.Wait()) }, nil
}

// readersEnd is a reader's side of the socket that startReader made.
func readersEnd() (net.Conn, error) {
	f := os.NewFile(3, "writer")
	defer f.Close()
	return net.FileConn(f)
}

// serveHarness runs hand for every command, until there are no more.
func serveHarness(hand func(size int) error) error {
	in := bufio.NewReader(os.Stdin)
	for {
		var size, count int
		if _, err := fmt.Fscan(in, &size, &count); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		start := time.Now()
		for range count {
			if err := hand(size); err != nil {
				return err
			}
		}
		fmt.Println(time.Since(start).Nanoseconds())
	}
}

// acknowledged waits for the reader's byte.
func acknowledged(c net.Conn, buf []byte) error {
	_, err := io.ReadFull(c, buf[:1])
	return err
}

// done tells the end of the input from an error.
func done(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
