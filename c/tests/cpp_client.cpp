/* framebuffer.hpp: what its objects return, throw and let go of. */
#define _Noreturn [[noreturn]]
extern "C" {
#include "common.h"
}
#undef _Noreturn

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "framebuffer.hpp"

namespace {

/* The status of the error that a call throws, FB_OK if it throws none. */
template <typename F>
fb_status thrown_by(F &&call, fb_reason reason = FB_NO_REASON)
{
	try {
		call();
	} catch (const framebuffer::error &e) {
		EQ(e.reason(), reason);
		EQ(e.timeout(), e.status() == FB_TIMEOUT);
		STR_EQ(e.what(), fb_error_text());
		return e.status();
	}
	return FB_OK;
}

void check_frames(framebuffer::client &client)
{
	std::vector<std::uint32_t> pixels(5000), back(5000);
	std::iota(pixels.begin(), pixels.end(), 7u);
	framebuffer::frame f = client.put(pixels);
	EQ(f.size, 4 * pixels.size());
	EQ(f.checksum, framebuffer::checksum(pixels));
	client.read_into(f, back);
	TRUE(back == pixels);

	framebuffer::buffer copy = client.read(f);
	EQ(copy.size(), f.size);
	TRUE(std::ranges::equal(copy, framebuffer::bytes_of(pixels)));

	std::uint64_t offset = client.allocate(3);
	EQ(client.write(offset, std::string_view("abc")), framebuffer::checksum(std::string("abc")));

	auto [key, parsed] = framebuffer::parse(framebuffer::format(client.key(), f));
	TRUE(key == client.key());
	EQ(parsed.offset, f.offset);

	std::array<std::byte, 8> small;
	bool refused = false;
	try {
		client.read_into(f, small);
	} catch (const std::length_error &) {
		refused = true;
	}
	TRUE(refused);
	f.checksum++;
	EQ(thrown_by([&] { client.read(f); }, FB_ALTERED), FB_TIMEOUT);
	EQ(thrown_by([] { framebuffer::parse("{}"); }), FB_BAD_FRAME);
}

void check_in_place(framebuffer::client &client)
{
	framebuffer::reservation r = client.reserve(1000);
	EQ(r.bytes().size(), 1000);
	std::ranges::fill(r.bytes(), std::byte{9});
	r.check_owned();
	framebuffer::frame f = r.commit(10);
	EQ(f.size, 10);
	EQ(thrown_by([&] { r.commit(); }), FB_CLOSED);

	auto sum = client.view(f, [](framebuffer::const_bytes b) {
		return std::accumulate(b.begin(), b.end(), 0, [](int n, std::byte x) { return n + std::to_integer<int>(x); });
	});
	EQ(sum, 90);
	bool looked = false;
	client.view(f, [&](framebuffer::const_bytes) { looked = true; });
	TRUE(looked);
	/* Overwritten while it is looked at: what look returned is dropped. */
	EQ(thrown_by(
		   [&] {
			   client.view(f, [&](framebuffer::const_bytes) {
				   for (std::uint64_t n = 0; n <= client.max_size(); n += 1 << 16)
					   client.allocate(1 << 16);
				   return 1;
			   });
		   },
		   FB_OVERWRITTEN),
	   FB_TIMEOUT);
}

void check_topics(framebuffer::client &client)
{
	using namespace std::chrono_literals;
	framebuffer::subscription all(client, "cpp"), late(client, "cpp", {.group = "late"});
	framebuffer::publisher publisher(client, "cpp");
	TRUE(!all.next_within(0s) && !all.next_within(-1s));

	framebuffer::meta meta{};
	meta.width = 3;
	EQ(publisher.publish(std::string_view("one"), &meta).sequence, 0);
	EQ(publisher.publish_frame(client.put(std::string_view("two")), nullptr, 7).sequence, 1);
	EQ(all.lag(), 2);
	auto first = all.next();
	TRUE(first && first->meta.width == 3 && first->sequence == 0);
	EQ(client.read(first->frame).size(), 3);
	auto second = all.next_within(10s);
	TRUE(second && second->time == 7);
	EQ(all.received(), 2);
	EQ(all.lost(), 0);
	publisher.end();
	TRUE(!all.next());
	EQ(thrown_by([&] { all.next_within(0s); }), FB_ENDED);
	EQ(thrown_by([&] { publisher.publish(std::string_view("three")); }), FB_ENDED);
	TRUE(late.next() && late.next() && !late.next());
	late.close();
	EQ(thrown_by([&] { late.next(); }), FB_CLOSED);
	EQ(thrown_by([&] { framebuffer::publisher(client, ""); }), FB_BAD_NAME);
}

} // namespace

int main()
{
	struct go_server server = go_serve("memfd", "1MiB");
	framebuffer::client client(server.key, {.name = "cpp"});
	client.check_usable();
	check_frames(client);
	check_in_place(client);
	check_topics(client);

	framebuffer::client read_only(server.key, {.flags = FB_ATTACH_READ_ONLY});
	EQ(thrown_by([&] { read_only.allocate(1); }), FB_READ_ONLY);
	framebuffer::client limited(server.key, {.max_frame = 4});
	framebuffer::frame f = client.put(std::string_view("12345"));
	EQ(thrown_by([&] { limited.read(f); }), FB_TOO_LARGE);
	EQ(thrown_by([] { framebuffer::client("no key"); }), FB_BAD_KEY);

	framebuffer::client moved = std::move(client);
	EQ(moved.read(f).size(), 5);
	moved.close();
	EQ(thrown_by([&] { moved.allocate(1); }), FB_CLOSED);
	go_stop(&server);
	return test_result();
}
