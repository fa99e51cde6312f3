package main

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
)

func meshOf(wanted int, where string, copies int) string {
	return fmt.Sprintf("mesh: %d a second, %s, %d copies", wanted, where, copies)
}

// mesh has every host publish its share of many topics at the same time, by how many of the
// others have a copy of each: none, the next one, or all.
func mesh(res *results, hosts []*hostProcess) error {
	topics := make([][]string, len(hosts))
	for i := range manyCount {
		at := i % len(hosts)
		topics[at] = append(topics[at], "mesh/"+strconv.Itoa(i))
	}
	for i, h := range hosts {
		if err := tell(h, order{Do: "make", Topics: topics[i]}); err != nil {
			return err
		}
	}
	return onBoth(res, hosts, func(where string) error {
		for copies := range hosts {
			if err := meshed(hosts, topics, copies); err != nil {
				return err
			}
			for _, rate := range wantedRates {
				all, err := together(hosts, topics, rate)
				if err != nil {
					return err
				}
				res.add(meshOf(rate, where, copies), all)
			}
			for _, h := range hosts {
				if err := tell(h, order{Do: "unmirror"}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// meshed gives each host's topics to so many of those behind it.
func meshed(hosts []*hostProcess, topics [][]string, copies int) error {
	for from := range hosts {
		for n := 1; n <= copies; n++ {
			o := order{Do: "mirror", Topics: topics[from], From: fmt.Sprintf("h%d", from+1)}
			if err := tell(hosts[(from+n)%len(hosts)], o); err != nil {
				return err
			}
		}
	}
	return nil
}

// together has all hosts publish at once, and returns how many frames a second that were.
func together(hosts []*hostProcess, topics [][]string, rate int) (all float64, err error) {
	var wg sync.WaitGroup
	answers, errs := make([]answer, len(hosts)), make([]error, len(hosts))
	for i, h := range hosts {
		wg.Go(func() {
			answers[i], errs[i] = h.do(order{Do: "many", Topics: topics[i], Count: rate * len(topics[i]) / manyCount})
		})
	}
	wg.Wait()
	for _, a := range answers {
		all += a.Rate
	}
	return all, errors.Join(errs...)
}
