package record

import (
	"testing"
	"time"
)

// Frames come in the times that they say they have, unless these cannot be.
func TestTempo(t *testing.T) {
	const ms = int64(time.Millisecond)
	for what, c := range map[string]struct {
		time, since int64
		stored      time.Duration // less since
		run         string
		want        time.Duration
	}{
		"as they say":          {time: 40 * ms, since: 43 * ms, run: "a", want: 40 * time.Millisecond},
		"the recorder hurried": {time: 4000 * ms, since: 1 * ms, run: "a", want: 4 * time.Second},
		"the recorder slept":   {time: 40 * ms, since: 4000 * ms, run: "a", want: 40 * time.Millisecond},
		"at once":              {time: 0, since: 5 * ms, run: "a", want: 0},
		"back":                 {time: -1, since: 5 * ms, run: "a", want: 5 * time.Millisecond},
		"a leap":               {time: 61_000 * ms, since: 5 * ms, run: "a", want: 5 * time.Millisecond},
		"a long wait":          {time: 600_000 * ms, since: 600_001 * ms, run: "a", want: 10 * time.Minute},
		"over the edge":        {time: -1 << 63, since: -3, stored: 3, run: "a", want: 0},
		"the store was slow":   {time: -1, since: 9000 * ms, stored: -9 * time.Second, run: "a", want: 9 * time.Second},
		"a wild since":         {time: -1, since: 1 << 62, stored: -(1 << 62) + 40*time.Millisecond, run: "a", want: 40 * time.Millisecond},
		"since back":           {time: -1, since: -1000, stored: 1000 + 40*time.Millisecond, run: "a", want: 40 * time.Millisecond},
		"a negative since":     {time: -1, since: -1 << 62, stored: 1<<62 + 40*time.Millisecond, run: "a", want: 40 * time.Millisecond},
		"both are wild":        {time: 1 << 61, since: 1 << 62, stored: -(1 << 62) + 40*time.Millisecond, run: "a", want: 40 * time.Millisecond},
		"another recorder":     {time: 600_000 * ms, since: 0, run: "b", want: 0},
	} {
		began := time.Now()
		tempo := pacer{speed: 1, last: moment{frame: recordedFrame{Time: 1 << 60, Since: 1000}, run: "a", stored: began}}
		next := moment{frame: recordedFrame{Time: 1<<60 + c.time, Since: 1000 + c.since}, run: c.run, stored: began.Add(time.Duration(c.since) + c.stored)}
		if got := tempo.gap(next); got != c.want {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
	for usual, want := range map[time.Duration]time.Duration{0: time.Second, 40 * time.Millisecond: 40 * time.Millisecond} {
		if got := (&pacer{usual: usual, newPass: true}).gap(moment{run: "a"}); got != want {
			t.Errorf("another lap: %v, want %v", got, want)
		}
	}
}

// A replay takes no less time than its frames took, divided by its speed; one that was held up
// does not hurry after it.
func TestTempoWaits(t *testing.T) {
	for _, speed := range []float64{1, 4, 1e300} {
		tempo := pacer{speed: speed}
		began := time.Now()
		for i := range int64(5) {
			if err := tempo.wait(t.Context(), moment{frame: recordedFrame{Time: i * int64(20*time.Millisecond), Since: i}, run: "a"}); err != nil {
				t.Fatal(err)
			}
		}
		if took, least := time.Since(began), time.Duration(float64(80*time.Millisecond)/speed); took < least {
			t.Errorf("%v at a speed of %v, less than %v", took, speed, least)
		}
		tempo.due = tempo.due.Add(-time.Hour)
		if err := tempo.wait(t.Context(), moment{frame: recordedFrame{Time: int64(100 * time.Millisecond)}, run: "a"}); err != nil || time.Since(tempo.due) > time.Minute {
			t.Errorf("due %v, %v", tempo.due, err)
		}
	}
}
