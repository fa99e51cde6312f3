package main

const (
	// prime32 is XXH_PRIME32_1, the factor of the scramble.
	prime32 = 2654435761
	// swapHalves makes VPSHUFD exchange the two 64-bit halves of each 128 bits: a lane's
	// data is added to its neighbour.
	swapHalves = 0b01_00_11_10
	// ahead is how far before its use memory is asked for. Less comes too late from cold
	// memory; much more is worse again.
	ahead = 1280
)
