package segment

import "sync"

// hooks are functions to call when a segment is closed, while its memory is still there.
// The zero value is ready.
type hooks struct {
	mu     sync.Mutex
	all    map[*func()]struct{}
	closed bool
}

// add has run call f, unless stop is called before. After run it does nothing and reports false.
func (h *hooks) add(f func()) (stop func(), open bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return func() {}, false
	}
	if h.all == nil {
		h.all = make(map[*func()]struct{})
	}
	h.all[&f] = struct{}{}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.all, &f)
	}, true
}

// run calls every hook and refuses later ones.
func (h *hooks) run() {
	h.mu.Lock()
	all := h.all
	h.all, h.closed = nil, true
	h.mu.Unlock()
	for f := range all {
		(*f)()
	}
}
