package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/internal/procinfo"
	"github.com/core-framebuffer/framebuffer/internal/shm"
)

// Sizes of the two rings that part pages compares.
const (
	mostPages  = 128 * mib
	leastPages = 16 * mib
)

// pages compares a ring of huge pages with one of small pages, if the system has huge pages.
func (b *bench) pages(ctx context.Context, budget time.Duration) (err error) {
	size, ok := b.hugeRing()
	if !ok {
		b.report.skip(partPages, fmt.Sprintf("the system has no huge pages for shared memory; to have them measured: sysctl vm.nr_hugepages=%d, or echo advise > /%s",
			int64(mostPages/shm.HugePage), shm.TransparentFile))
		return nil
	}
	var clients [2]*framebuffer.Client
	for i, huge := range []bool{false, true} {
		server, err2 := b.newServer(size, huge)
		if err2 != nil && huge {
			b.report.skip(partPages, "the system has huge pages for shared memory, but not for this user: framebuffer doctor says why")
			return nil
		} else if err2 != nil {
			return err2
		}
		defer func() { err = errors.Join(err, server.Close()) }()
		client, err2 := framebuffer.Attach(server.Key(), &framebuffer.ClientOptions{Name: clientName})
		if err2 != nil {
			return err2
		}
		defer func() { err = errors.Join(err, client.Close()) }()
		if err := lap(client); err != nil {
			return err
		}
		clients[i] = client
	}
	var all []turn
	for _, n := range []int{64 * kib, mib, hd} {
		if n > b.plan.largest || int64(n) > size/4 && n > mib {
			continue
		}
		for i, name := range []string{"small pages", "huge pages"} {
			src, dst, c := filled(n), make([]byte, n), clients[i]
			all = append(all, b.plain(b.rows.series(partPages, name, n, size), func() error {
				f, err := c.Put(src)
				if err == nil {
					err = c.ReadInto(dst, f.Offset, f.Checksum)
				}
				return err
			}))
		}
	}
	return b.pace.rounds(ctx, budget, all)
}

// hugeRing returns the size of a ring of huge pages that this machine can have.
func (b *bench) hugeRing() (int64, bool) {
	size := min(mostPages, b.plan.large)
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	free, _ := procinfo.Field(text, "HugePages_Free:")
	promised, _ := procinfo.Field(text, "HugePages_Rsvd:")
	if reserved := (free - promised) * shm.HugePage; reserved >= leastPages && !shm.TransparentAllowed(b.root) {
		return min(size, reserved) / shm.HugePage * shm.HugePage, size >= leastPages
	}
	return size / shm.HugePage * shm.HugePage, size >= leastPages && shm.TransparentAllowed(b.root)
}
