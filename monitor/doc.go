// Package monitor is one model of what happens in a segment, for everything that shows it:
// the command's stat and top, the web page, Prometheus. It is read straight from the shared
// memory, with no call to any other process, so that it works while all of them hang, and goes on
// when they die; and it takes no client slot, so that looking changes nothing of what is seen. A ring
// whose server is gone takes no new monitor: only one that is attached already shows that end.
//
//	m, err := monitor.Attach(key)
//	defer m.Close()
//	for range time.Tick(time.Second) {
//		s, err := m.Snapshot()
//		fmt.Println(s.Horizon.Now, s.Rates.AllocatedBytes, len(s.Clients))
//	}
//
// # For those who render it
//
// Call Snapshot as often as you draw; two or more may share one Monitor. Each snapshot stands
// for itself and is the caller's. Rates come from comparing it with one from about Window
// before, which the Monitor remembers; in the first snapshot there is nothing to compare with,
// and Snapshot.Window is 0. History returns a point for each snapshot of the last Kept, for
// sparklines and plots: call Snapshot once a second, also while nobody looks, and it is full.
// Spans tells which parts of the ring hold frames of which topic, for drawing the ring; it
// reads more memory than a snapshot does, so call it only for that. Read returns the bytes of
// a frame of a snapshot, verified.
//
// After the segment has ended, closed by its server or with the server's process, a Monitor lets
// go of its memory within a second, whether a snapshot is taken or not: the next server needs the
// room. From then on Snapshot returns the figures of the end with State Closed or Gone: ages go
// on, rates fall to 0, and what other processes do is not known any more. Spans are those of the
// end, and Read returns framebuffer.ErrClosed.
//
// All units are base units: bytes, seconds, and counts; rates are per second. The names in
// JSON say so. Positions in the ring (Head, Start, Frame.Offset) are 64-bit numbers that only
// grow, and strings in JSON; what is called a place is a position modulo the capacity, which
// is where it lies in the ring, and a number. Seconds that are not known, or for ever, are
// null in JSON and print as "–" and "∞".
//
// # Whom to believe
//
// Any attached process can write nonsense over what is read here. Nothing that stands there
// makes a call crash or run for ever, and names and metadata are valid UTF-8 without control
// characters, at most as long as the layout has room for. But they come from others: a web
// page must still escape them. The key never stands in a snapshot.
package monitor
