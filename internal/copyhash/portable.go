package copyhash

import "encoding/binary"

// sumPortable does what the sum functions in assembly do: it takes the first stripes of
// src, the first of them with the secret at key, and scrambles after every 16th.
func sumPortable(acc *[8]uint64, src, key []byte, stripes int) {
	for stripes >= perScramble {
		for i := range perScramble {
			accumulate(acc, src[i*stripeSize:], key[8*i:])
		}
		scramble(acc)
		src, stripes = src[perScramble*stripeSize:], stripes-perScramble
	}
	for i := range stripes {
		accumulate(acc, src[i*stripeSize:], key[8*i:])
	}
}

// movePortable copies stripes of src to dst and hashes them while they are in the cache, on
// the side that is private: the other may have changed since.
func movePortable(acc *[8]uint64, dst, src, private []byte, stripes int) {
	n := stripes * stripeSize
	copy(dst[:n], src[:n])
	sumPortable(acc, private[:n], secret[:], stripes)
}

// accumulate adds the 64 bytes at data under the 64 bytes at key. Each word is loaded once.
func accumulate(acc *[8]uint64, data, key []byte) {
	d, k := (*[stripeSize]byte)(data), (*[stripeSize]byte)(key)
	addPair(&acc[0], &acc[1], (*[16]byte)(d[0:]), (*[16]byte)(k[0:]))
	addPair(&acc[2], &acc[3], (*[16]byte)(d[16:]), (*[16]byte)(k[16:]))
	addPair(&acc[4], &acc[5], (*[16]byte)(d[32:]), (*[16]byte)(k[32:]))
	addPair(&acc[6], &acc[7], (*[16]byte)(d[48:]), (*[16]byte)(k[48:]))
}

// addPair adds two lanes: each accumulator gets its own product and its neighbour's data.
func addPair(a0, a1 *uint64, data, key *[16]byte) {
	d0, d1 := binary.LittleEndian.Uint64(data[:8]), binary.LittleEndian.Uint64(data[8:])
	k0, k1 := d0^binary.LittleEndian.Uint64(key[:8]), d1^binary.LittleEndian.Uint64(key[8:])
	*a0 += d1 + uint64(uint32(k0))*(k0>>32)
	*a1 += d0 + uint64(uint32(k1))*(k1>>32)
}

func scramble(acc *[8]uint64) {
	for i := range acc {
		a := acc[i]
		a ^= a >> 47
		a ^= binary.LittleEndian.Uint64(secret[scrambleKey+8*i:])
		acc[i] = a * prime32x1
	}
}
