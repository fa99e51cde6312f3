package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"

	"github.com/core-framebuffer/framebuffer"
	"github.com/core-framebuffer/framebuffer/topic"
)

// subscribe subscribes to a topic, alone and in a group, and says ready. Each line of its input is a
// number of messages, which it takes of each subscription, or fewer if there are not as many. It
// answers with a line for each: the messages' sequence numbers, and how many frames were lost before.
func subscribe(c *framebuffer.Client, name string) error {
	var subs []*topic.Subscription
	for _, group := range []string{"", "go"} {
		sub, err := topic.Subscribe(c, name, &topic.SubscribeOptions{Group: group})
		if err != nil {
			return err
		}
		defer sub.Close()
		subs = append(subs, sub)
	}
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		n, err := strconv.Atoi(in.Text())
		if err != nil {
			return err
		}
		for _, sub := range subs {
			if err := take(sub, n); err != nil {
				return err
			}
		}
	}
	return in.Err()
}

func take(sub *topic.Subscription, n int) error {
	for range n {
		m, ok, err := sub.TryNext()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		fmt.Printf("%d-%d ", m.Sequence, m.Lost)
	}
	fmt.Println()
	return nil
}
