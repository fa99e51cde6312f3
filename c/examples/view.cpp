/*
 * view <FRAME: reads a frame's JSON and prints the sum of its bytes, which it reads in place.
 *
 *	c++ -std=c++20 view.cpp -o view $(pkg-config --cflags --libs framebuffer)
 */
#include <framebuffer.hpp>

#include <iostream>
#include <iterator>
#include <numeric>

int main()
try {
	std::string json(std::istreambuf_iterator<char>(std::cin), {});
	auto [key, frame] = framebuffer::parse(json);
	framebuffer::client client(key);
	auto sum = client.view(frame, [](framebuffer::const_bytes bytes) {
		return std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{0},
				       [](auto n, auto b) { return n + std::to_integer<unsigned>(b); });
	});
	std::cout << sum << '\n';
} catch (const framebuffer::error &e) {
	std::cerr << "view: " << (e.timeout() ? "too late: " : "") << e.what() << '\n';
	return 1;
}
