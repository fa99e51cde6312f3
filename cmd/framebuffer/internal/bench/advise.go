package bench

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// advise adds the sentences that say what the figures mean.
func (r *Report) advise() {
	r.adviseCores()
	r.adviseWaiting()
	r.adviseRing()
	r.adviseVerification()
	r.advisePages()
}

// adviseCores says whether the two CPUs share a cache.
func (r *Report) adviseCores() {
	if q := r.Machine.Quota; q > 0 && q < 2 {
		r.note("cores", fmt.Sprintf("This container may use the time of %.2g CPU: two processes take turns. Let readers sleep (Spin 0, the default).", q))
		return
	}
	if r.Machine.CPUs < 2 {
		r.note("cores", "This program may use one CPU: two processes take turns on it. Let readers sleep (Spin 0, the default).")
		return
	}
	by := map[string]Row{}
	turns := 0
	for _, place := range []string{near, far} {
		if row, ok := r.find(partLatency, "line", line, 0, place); ok {
			by[place] = row
			turns += row.Turns
		}
	}
	load, _ := r.find(partMemory, "load", line, r.chase(), "")
	from := "memory"
	if load.Seconds > 0 {
		from = fmt.Sprintf("memory (%s)", short(load.duration()))
	}
	n, isNear := by[near]
	f, isFar := by[far]
	switch {
	case isNear && isFar && len(r.Machine.L3Groups) > 1:
		r.note("cores", fmt.Sprintf("You have %d L3 caches: a cache line takes %s between CPUs that share one and %s between others. Keep a writer and its readers on CPUs of one: taskset -c %s.",
			len(r.Machine.L3Groups), short(n.duration()), short(f.duration()), list(r.Machine.L3Groups[0])))
	case isNear && isFar:
		r.note("cores", fmt.Sprintf("The host moves your CPUs: a cache line takes %s from one to the other where they share an L3, and %s where they do not (%d of %d turns). Figures are given apart, and a program gets either.",
			short(n.duration()), short(f.duration()), f.Turns, turns))
	case isNear:
		than := "about as soon as from memory"
		if load.Seconds == 0 || n.Seconds < load.Seconds {
			than = "sooner than from " + from
		}
		r.note("cores", fmt.Sprintf("Your cores share a cache: a line comes from one to the other in %s, %s, so that a reader gains if a frame is in the cache still.", short(n.duration()), than))
	case isFar:
		than := "about as long as from memory"
		if f.Seconds > load.Seconds {
			than = "longer than from " + from
		}
		r.note("cores", fmt.Sprintf("Your cores share no L3, whatever the system says of it: a line takes %s from one to the other, %s. What a writer leaves in its cache makes a reader slower, and no ring is small enough.", short(f.duration()), than))
	}
}

// chase returns how many bytes random loads went through.
func (r *Report) chase() int64 {
	for _, row := range r.Rows {
		if row.Part == partMemory && row.Name == "load" {
			return row.Ring
		}
	}
	return 0
}

// place returns the placement that most turns of a part had.
func (r *Report) place(part string) string {
	turns := map[string]int{}
	for _, row := range r.Rows {
		if row.Part == part {
			turns[row.Place] += row.Turns
		}
	}
	most := ""
	for _, place := range []string{near, far} {
		if turns[place] > turns[most] {
			most = place
		}
	}
	return most
}

// adviseWaiting compares readers that sleep with readers that poll.
func (r *Report) adviseWaiting() {
	for _, row := range r.Rows {
		if row.Part != partLatency || row.Name != "asleep" || row.Bytes != line {
			continue
		}
		polling, ok := r.find(partLatency, "polling", line, row.Ring, row.Place)
		futex, ok2 := r.find(partLatency, "futex", line, 0, row.Place)
		if !ok || !ok2 || row.Place != r.place(partLatency) {
			continue
		}
		r.note("waiting", fmt.Sprintf("A reader that sleeps has a frame of 64 B after %s (the system's wake-up alone takes %s); one that polls (Spin) has it after %s, and takes a whole CPU.",
			short(row.duration()), short(futex.duration()), short(polling.duration())))
	}
}

// adviseRing says what a ring that fits the L3 brings, and what it costs.
func (r *Report) adviseRing() {
	if r.Small == 0 || r.Machine.L3 == 0 {
		return
	}
	for _, place := range []string{near, far, ""} {
		var gains []string
		gain := 1.0
		for _, name := range []string{"copied", "in place"} {
			in, ok1 := r.find(partStreams, name, hd, r.Small, place)
			out, ok2 := r.find(partStreams, name, hd, r.Ring, place)
			if ok1 && ok2 {
				gains = append(gains, fmt.Sprintf("%s %s instead of %s", short(in.duration()), name, short(out.duration())))
				gain = min(gain, in.Seconds/out.Seconds)
			}
		}
		if len(gains) == 0 {
			continue
		}
		where := ""
		if place != "" {
			where = " (" + place + ")"
		}
		verdict := "it is for readers that keep up"
		if gain > 0.95 {
			verdict = "it gains nothing here"
		}
		r.note("ring", fmt.Sprintf("A ring of %s fits your L3 of %s: a 1080p frame takes %s in one of %s%s. But in the small ring a reader may be %s late, in the large one %d: %s.",
			humanize.IBytes(uint64(r.Small)), humanize.IBytes(uint64(r.Machine.L3)), strings.Join(gains, " and "), humanize.IBytes(uint64(r.Ring)), where,
			frames(late(r.Small, hd)), late(r.Ring, hd), verdict))
	}
}

// adviseVerification says what a checksum costs a stream.
func (r *Report) adviseVerification() {
	place := r.place(partStreams)
	verified, ok := r.find(partStreams, "copied", hd, r.Ring, place)
	if !ok {
		return
	}
	limit, _ := r.find(partStreams, "limit: Go's copy", hd, r.Ring, place)
	if streaming, ok := r.find(partStreams, "limit: streaming copy", hd, r.Ring, place); ok && streaming.Seconds < limit.Seconds {
		limit = streaming
	}
	more := 100 * (verified.Seconds/limit.Seconds - 1)
	if more < 5 {
		r.note("verification", fmt.Sprintf("A frame of yours is limited by memory, not by verification: copied in and out and verified, a 1080p frame takes %s, and the best plain copies, which verify nothing, %s.",
			short(verified.duration()), short(limit.duration())))
		return
	}
	r.note("verification", fmt.Sprintf("Copied in and out and verified, a 1080p frame takes %s, %.0f %% more than the best plain copies, which verify nothing (%s).",
		short(verified.duration()), more, short(limit.duration())))
}

// advisePages says whether huge pages help.
func (r *Report) advisePages() {
	var parts []string
	ratio, ring := 1.0, int64(0)
	for _, row := range r.Rows {
		if row.Part != partPages || row.Name != "huge pages" {
			continue
		}
		if small, ok := r.find(partPages, "small pages", row.Bytes, row.Ring, ""); ok {
			parts = append(parts, fmt.Sprintf("%s %s instead of %s", sizeName(row.Bytes), short(row.duration()), short(small.duration())))
			ratio, ring = ratio*row.Seconds/small.Seconds, row.Ring
		}
	}
	if len(parts) == 0 {
		return
	}
	verdict := "Huge pages would not help"
	if math.Pow(ratio, 1/float64(len(parts))) < 0.9 {
		verdict = "Huge pages would help (serve --huge-pages)"
	}
	r.note("pages", fmt.Sprintf("%s: a frame written and read in rings of %s, %s.", verdict, humanize.IBytes(uint64(ring)), strings.Join(parts, ", ")))
}

// short formats a duration with three digits.
func short(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < time.Millisecond:
		return fmt.Sprintf("%.3g µs", significant(float64(d)/1e3))
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", significant(float64(d)/1e6))
	}
	return fmt.Sprintf("%.3g s", d.Seconds())
}

// significant keeps three digits of a number below 1000, so that %g does not write an exponent.
func significant(v float64) float64 {
	if v >= 999.5 {
		return 999
	}
	return v
}

// frames formats a number of frames.
func frames(n int) string {
	if n == 1 {
		return "1 frame"
	}
	return fmt.Sprintf("%d frames", n)
}

// list formats CPUs for taskset.
func list(cpus []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(cpus), " ", ","), "[]")
}

func sizeName(bytes int) string {
	for _, s := range sizes() {
		if s.bytes == bytes {
			return s.name
		}
	}
	return humanize.IBytes(uint64(bytes))
}
