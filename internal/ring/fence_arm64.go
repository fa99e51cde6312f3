package ring

// loadFence orders earlier loads before later loads (DMB ISHLD): a load-acquire of head
// alone would let the payload's loads sink below it.
//
//go:noescape
func loadFence()

// storeFence orders earlier stores before later stores (DMB ISHST): the store half of an
// atomic add is not ordered before plain stores that follow it.
//
//go:noescape
func storeFence()
