//go:build purego || !(amd64 || arm64)

package copyhash

// canStream says that this build has streaming stores.
const canStream = false

func native() []Kernel { return nil }

func (Kernel) sum(acc *[8]uint64, src, key []byte, stripes int, _ bool) {
	sumPortable(acc, src, key, stripes)
}

func (Kernel) move(acc *[8]uint64, dst, src, private []byte, stripes int, _ stores) {
	movePortable(acc, dst, src, private, stripes)
}

func storeFence() {}
