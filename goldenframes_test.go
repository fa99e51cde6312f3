package framebuffer

import (
	"testing"
	"time"
)

func goldenOfFrames(t *testing.T, says sayer) {
	s, c := goldenPair(t, 1<<20)
	capacity, start := s.Stats().Capacity, s.Stats().Start
	_, err := c.Allocate(0)
	says("allocate nothing", err, nil)
	_, err = c.Allocate(1 << 20)
	says("allocate too much", err, values{"size": 1 << 20, "most": capacity - 64, "capacity": capacity})
	offset, err := c.Allocate(100)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := c.Write(offset, make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Read(offset+1, 1, 0)
	says("odd offset", err, values{"offset": offset + 1})
	_, err = c.Read(offset+1<<30, 1, 0)
	says("offset of the future", err, values{"offset": offset + 1<<30, "start": start, "head": s.Stats().Head})
	_, err = c.Read(offset+64, 1, 0)
	says("offset inside a chunk", err, values{"offset": offset + 64})
	_, err = c.Write(offset, make([]byte, 101))
	says("write too much", err, values{"offset": offset})
	_, err = c.Read(offset, 101, sum)
	says("read too much", err, values{"offset": offset})
	_, err = c.Read(offset, 1<<20, sum)
	says("read more than a ring", err, values{"size": 1 << 20, "most": capacity - 64})
	_, err = c.Read(offset, 100, 0x0123456789abcdef)
	says("other checksum", err, values{"size": 100, "offset": offset, "checksum": sum})
	_, err = c.Get(Frame{"elsewhere", offset, 100, sum})
	says("frame of another ring", err, values{"key": c.Key()})

	place, err := c.Reserve(100)
	if err != nil {
		t.Fatal(err)
	}
	_, err = place.Commit(0)
	says("commit nothing", err, nil)
	_, err = place.Commit(101)
	says("commit too much", err, nil)
	if _, err = c.Allocate(int(capacity) - 64); err != nil {
		t.Fatal(err)
	}
	behind := func(offset uint64) uint64 { return s.Stats().Head - (offset - 64) }
	_, err = c.Read(offset, 100, sum)
	says("read too late", err, values{"capacity": capacity, "behind": behind(offset), "offset": offset})
	_, err = c.Write(offset, make([]byte, 100))
	says("write too late", err, values{"capacity": capacity, "behind": behind(offset), "offset": offset})
	_, err = place.Commit(100)
	says("commit too late", err, values{"size": 100, "capacity": capacity, "behind": behind(place.Offset()), "offset": place.Offset()})
	_, err = place.Commit(100)
	says("commit again", err, nil)

	r, err := Attach(s.Key(), &ClientOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = r.Write(offset, nil)
	says("write read-only", err, nil)
	_, err = r.Allocate(1)
	says("allocate read-only", err, nil)
	_, err = r.Reserve(1)
	says("reserve read-only", err, nil)

	for name, text := range map[string]string{
		"frame lacks something":    `{"key":"k","offset":"64","size":1}`,
		"frame with an odd offset": `{"key":"k","offset":"064","size":1,"checksum":"0123456789abcdef"}`,
		"frame of negative size":   `{"key":"k","offset":"64","size":-1,"checksum":"0123456789abcdef"}`,
	} {
		_, err := ParseFrame([]byte(text))
		says(name, err, nil)
	}
	_, err = ParseChecksum("abc")
	says("short checksum", err, nil)
	_, err = ParseChecksum("012345678x9abcde")
	says("odd checksum", err, nil)

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = c.Write(offset, nil)
	says("write after the server's end", err, nil)
	_, err = c.Allocate(1)
	says("allocate after the server's end", err, nil)
	_, err = Attach(s.Key(), nil)
	says("key of a closed server", err, values{"key": s.Key()})
}

func goldenOfHolds(t *testing.T, says sayer) {
	_, c := goldenPair(t, 1<<20)
	f, err := c.Put(make([]byte, 300_000))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Hold(f, 0)
	says("hold for nothing", err, nil)
	_, err = c.Hold(f, time.Hour+1500*time.Millisecond)
	says("hold for too long", err, nil)
	h, err := c.Hold(f, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	g, err := c.Put(make([]byte, 300_000))
	if err != nil {
		t.Fatal(err)
	}
	length := (300_000 + 64 + 63) &^ 63
	_, err = c.Hold(g, time.Minute)
	says("hold too much", err, values{"length": length, "sum": 2 * length, "limit": 1 << 19})
	_, err = c.Allocate(900_000)
	says("no room between holds", err, values{"held": length, "capacity": 1 << 20, "length": (900_000 + 64 + 63) &^ 63})
	if err := h.Release(); err != nil {
		t.Fatal(err)
	}
	says("hold released", h.Release(), nil)
}
