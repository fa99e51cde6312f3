// Command hosts measures frames and topics that go from host to host beside what nats.go moves
// as bare payloads, taking turns in one run, and prints Markdown. Hosts are processes in network
// and IPC namespaces of their own, joined by veth pairs and a bridge, each with a NATS server of
// one cluster. It takes root and iproute2.
//
//	cd bench && go run ./hosts
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"

	"github.com/core-framebuffer/framebuffer/bench/internal/machine"
	"github.com/core-framebuffer/framebuffer/bench/internal/samples"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) == 5 && os.Args[1] == "play" {
		if err := play(os.Args[2], os.Args[3], os.Args[4]); err != nil {
			log.Fatalf("host %s: %v", os.Args[2], err)
		}
		return
	}
	if len(os.Args) == 4 && os.Args[1] == "aside" {
		if err := publisherAside(os.Args[2], os.Args[3]); err != nil {
			log.Fatalf("aside: %v", err)
		}
		return
	}
	out := flag.String("out", ".", "folder for hosts.md and hosts.json; empty writes none")
	rounds := flag.Int("rounds", 7, "how often each is measured; the median counts")
	only := flag.String("only", "", "measure only one part: transfers, latencies, topics, mesh")
	flag.Parse()
	if err := run(*out, *rounds, *only); err != nil {
		log.Fatal(err)
	}
}

const (
	frameSize = 1920 * 1080 * 3
	burst     = 8       // frames, or as many bytes in bare payloads
	ahead     = 4 << 20 // bytes of bare payloads on the way, where that is limited: as ours
	hostCount = 3       // the third mirrors only
	manyCount = 100     // topics
)

// payloads are the sizes tried for bare ones.
func payloads() []int {
	return []int{8 << 10, 16 << 10, 32 << 10, 60 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20}
}

func run(out string, rounds int, only string) (err error) {
	w, err := newNetwork(hostCount)
	defer w.remove()
	if err != nil {
		return err
	}
	res := newResults(rounds)
	for _, where := range []string{beside, inside} {
		if err := w.with(where, func(hosts []*hostProcess) error { return measure(res, hosts, where, only) }); err != nil {
			return err
		}
	}
	text := res.markdown()
	fmt.Print(text)
	if out == "" || only != "" { // a part is no report
		return nil
	}
	if err := os.WriteFile(filepath.Join(out, "hosts.md"), []byte(text), 0o644); err != nil {
		return err
	}
	return samples.WriteJSON(filepath.Join(out, "hosts.json"), res)
}

// with runs f with all hosts.
func (w *network) with(where string, f func([]*hostProcess) error) error {
	var hosts []*hostProcess
	defer func() {
		for _, h := range hosts {
			h.stop()
		}
	}()
	for i := 1; i <= hostCount; i++ {
		h, err := w.start(i, hostCount, where)
		if err != nil {
			return err
		}
		hosts = append(hosts, h)
	}
	return f(hosts)
}

// measure takes all parts, or only one. What local readers and publishers see is as it is by default.
func measure(res *results, hosts []*hostProcess, where, only string) error {
	for _, part := range []struct {
		name string
		here bool
		do   func() error
	}{
		{"transfers", true, func() error { return transfers(res, hosts, where) }},
		{"latencies", where == inside, func() error { return latencies(res, hosts) }},
		{"topics", where == inside, func() error { return manyTopics(res, hosts) }},
		{"mesh", where == inside, func() error { return mesh(res, hosts) }},
	} {
		if !part.here || only != "" && only != part.name {
			continue
		}
		if err := part.do(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// transfers moves the same number of bytes in each way from the first host to the second.
func transfers(res *results, hosts []*hostProcess, where string) error {
	from, to := hosts[0], hosts[1]
	if err := tell(from, order{Do: "make", Topics: []string{"cam"}}); err != nil {
		return err
	}
	if err := tell(to, order{Do: "mirror", Topics: []string{"cam"}, From: "h1"}); err != nil {
		return err
	}
	if err := tell(to, order{Do: "sink"}); err != nil {
		return err
	}
	for round := -1; round < res.Rounds; round++ { // the first warms up
		for _, size := range payloads() {
			for _, most := range []int{0, ahead} {
				name := "bare " + strconv.Itoa(size>>10) + " KiB"
				if most > 0 {
					name += fmt.Sprintf(", %d MiB ahead", most>>20)
				}
				if err := res.transfer(name, round, from, order{Do: "bare", Size: size, Count: most}, hosts); err != nil {
					return err
				}
			}
		}
		put, err := from.do(order{Do: "put"})
		if err != nil {
			return err
		}
		for _, at := range []int{1, 2} {
			if err := res.transfer(fmt.Sprintf("read, %d at a time, NATS %s", at, where), round, to, order{Do: "read", Frames: put.Frames, Count: at}, hosts); err != nil {
				return err
			}
		}
		if err := res.transfer("mirror, NATS "+where, round, from, order{Do: "stream"}, hosts); err != nil {
			return err
		}
	}
	return tell(to, order{Do: "unmirror"})
}

// latencies are those of a local reader of 30 frames a second, by who else gets them.
func latencies(res *results, hosts []*hostProcess) error {
	return inCompany(res, hosts, []string{"live"}, func(o order, where, with string) error {
		o.Do, o.Count = "live", 30
		a, err := hosts[0].do(o)
		res.add(latencyOf(where, with), a.Latencies...)
		return err
	})
}

// manyTopics publishes to many topics, paced and as fast as it can, by who else gets the frames.
func manyTopics(res *results, hosts []*hostProcess) error {
	var topics []string
	for i := range manyCount {
		topics = append(topics, "many/"+strconv.Itoa(i))
	}
	return inCompany(res, hosts, topics, func(o order, where, with string) error {
		for _, rate := range wantedRates {
			o.Do, o.Count = "many", rate
			a, err := hosts[0].do(o)
			if err != nil {
				return err
			}
			res.add(rateOf(rate, where, with), a.Rate)
		}
		return nil
	})
}

// inCompany runs f with topics of the first host that others read too, where hosts and NATS
// leave a core to f and where they do not.
func inCompany(res *results, hosts []*hostProcess, topics []string, f func(o order, where, with string) error) error {
	if err := tell(hosts[0], order{Do: "make", Topics: topics}); err != nil {
		return err
	}
	return onBoth(res, hosts, func(where string) error {
		for _, with := range company {
			err := mirrored(hosts, with.mirrors, topics, func() error { return f(order{Topics: topics, Readers: with.readers}, where, with.name) })
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// onBoth runs f in each round, where hosts and NATS take all cores and where they leave the first to publishers.
func onBoth(res *results, hosts []*hostProcess, f func(where string) error) error {
	for range res.Rounds {
		for first, where := range []string{sharedCore, ownCore} {
			for _, h := range hosts {
				machine.Pin(h.cmd.Process.Pid, machine.Cores(first)...)
			}
			if err := f(where); err != nil {
				return err
			}
		}
	}
	for _, h := range hosts {
		machine.Pin(h.cmd.Process.Pid, machine.Cores(0)...)
	}
	return nil
}

// mirrored runs f while so many hosts mirror the first's topics.
func mirrored(hosts []*hostProcess, mirrors int, topics []string, f func() error) error {
	for _, h := range hosts[1 : 1+mirrors] {
		if err := tell(h, order{Do: "mirror", Topics: topics, From: "h1"}); err != nil {
			return err
		}
	}
	if err := f(); err != nil {
		return err
	}
	for _, h := range hosts[1 : 1+mirrors] {
		if err := tell(h, order{Do: "unmirror"}); err != nil {
			return err
		}
	}
	return nil
}

func tell(h *hostProcess, o order) error {
	_, err := h.do(o)
	return err
}
