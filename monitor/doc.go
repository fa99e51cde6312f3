// Package monitor is the one model of a segment's state. The command's stat, topics, top and web, the
// Prometheus metrics and the answer of NATS stat render it, with the same words and units. It reads the
// shared memory and calls no other process, so it works while all of them hang.
//
//	m, err := monitor.Attach(key)
//	defer m.Close()
//	for range time.Tick(time.Second) {
//		s, err := m.Snapshot()
//		fmt.Println(s.Horizon.Now, s.Rates[monitor.AllocatedBytes], len(s.Clients))
//	}
//
// A [Monitor] takes no client slot, so its own reading changes nothing of what it shows. [Look] and [Topics]
// return the state once, without rates, for a program that has a client already.
//
// # Snapshots and history
//
// Several users may share one Monitor. Each [Snapshot] belongs to its caller. Rates come from comparing it
// with one from about [Window] before, which the Monitor remembers; in the first snapshot Window is 0 and
// there are no rates. [Monitor.History] returns a [Point] for each snapshot of the last [Kept], for plots:
// take a snapshot once a second, also while nothing is drawn, to fill it. [Monitor.Spans] tells which parts
// of the ring hold frames of which topic; it reads more memory than a snapshot. [Monitor.Read] returns the
// bytes of a frame, verified.
//
// A Monitor releases the memory within a second after the segment has ended, because the next server needs
// the room. Then Snapshot returns the last figures with State [Closed] or [Gone]: ages go on, rates fall to
// 0, and the state of other processes is unknown. A Monitor cannot attach after the server has died; one
// that is attached already shows that end.
//
// # Units
//
// All units are base units: bytes, seconds and counts; rates are per second. The names in JSON say so.
// Positions in the ring (Head, Start, [Frame].Offset) are 64-bit numbers that only grow, and strings in
// JSON. A place is a position modulo the capacity, and a number. [Seconds] that are unknown or infinite are
// null in JSON and print as "–" and "∞". Lists are never null.
//
// Members of JSON that were renamed stand there under both names for one release.
//
// # Trust
//
// Any attached process can write nonsense into the shared memory. No call crashes or runs forever because of
// that. Names and metadata are valid UTF-8 without control characters, and not longer than the layout has room
// for. They are chosen by other processes: a web page must escape them. The key is not in a snapshot.
package monitor
