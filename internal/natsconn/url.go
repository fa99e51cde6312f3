package natsconn

import (
	"fmt"
	"net/url"
	"strings"
)

// natsURLs returns the URLs of a list as NATS accepts it: separated by commas, the scheme optional. The
// error does not quote the text, which may contain a password.
func natsURLs(list string) ([]*url.URL, error) {
	var all []*url.URL
	for s := range strings.SplitSeq(list, ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		if !strings.Contains(s, "://") {
			s = "nats://" + s
		}
		u, err := url.Parse(s)
		if err != nil || u.Hostname() == "" {
			return nil, fmt.Errorf("framebuffer: number %d of the NATS URLs is none (not repeated here, it may hold a password): write nats://HOST:4222, with others behind a comma", len(all)+1)
		}
		all = append(all, u)
	}
	return all, nil
}

// CheckURLs returns an error for a list that is not valid. NATS's own error would quote it, with passwords.
func CheckURLs(list string) error {
	if list == "" {
		return nil
	}
	all, err := natsURLs(list)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("framebuffer: the NATS URL %q names no server: write nats://HOST:4222", list)
	}
	return err
}

// RedactURL returns a NATS URL, or a list of them, without users, passwords and tokens.
func RedactURL(list string) string {
	all, err := natsURLs(list)
	if err != nil {
		return "(no NATS URL)"
	}
	texts := make([]string, len(all))
	for i, u := range all {
		texts[i] = (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
	}
	return strings.Join(texts, ",")
}
