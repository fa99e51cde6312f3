package shmtest

import (
	"errors"
	"runtime/debug"
	"testing"

	"github.com/core-framebuffer/framebuffer/internal/shm"
	"github.com/core-framebuffer/framebuffer/test/testproc"
)

func createAndPark(c *testproc.Child) error {
	b, err := shm.ByName(c.Args[0])
	if err != nil {
		return err
	}
	s, err := b.Create(shm.Spec{Control: 1 << 16, Ring: 1 << 20})
	if err != nil {
		return err
	}
	if err := c.Send(s.Location); err != nil {
		return err
	}
	return c.Park()
}

func attachAndAdd(c *testproc.Child) error {
	b, err := shm.ByName(c.Args[0])
	if err != nil {
		return err
	}
	s, err := b.Attach(c.Args[1], len(c.Args) > 2)
	if err != nil {
		return c.Send(err.Error())
	}
	if len(c.Args) > 2 {
		debug.SetTraceback("none")
		s.Ring[0] = 1 // must fault
	}
	s.Ring[0]++
	s.Ring[len(s.Ring)-1]++
	return errors.Join(s.Close(), c.Send("done"))
}

func otherProcessSeesTheSame(t *testing.T, b shm.Backend) {
	s := create(t, b, 1<<20)
	defer closed(t, s)
	for n := byte(1); n <= 3; n++ {
		p := testproc.Start(t, "shm-attach", b.Name(), s.Location)
		var said string
		p.Recv(&said)
		p.Done()
		if said != "done" || s.Ring[0] != n || s.Ring[1<<20-1] != n {
			t.Fatalf("%d: %s; bytes %d and %d", n, said, s.Ring[0], s.Ring[1<<20-1])
		}
	}
}

func memoryOutlivesTheServer(t *testing.T, b shm.Backend) {
	p := testproc.Start(t, "shm-create", b.Name())
	var location string
	p.Recv(&location)
	c, err := b.Attach(location, false)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, c)
	p.Kill()
	c.Ring[0] = 9
	if c.Ring[1<<20] != 9 {
		t.Error("the mapping is not what it was")
	}
}
