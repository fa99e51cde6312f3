package ring

// x86 keeps loads in order with loads and stores in order with stores (Intel SDM vol. 3,
// 8.2.2), the atomic add on head is a full barrier, and the copy kernels end non-temporal
// stores with SFENCE. What is left is to keep the compiler from moving plain accesses
// across, which it does not do around calls and atomics.

func loadFence()  {}
func storeFence() {}
