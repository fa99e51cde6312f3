/*
 * framebuffer.hpp - framebuffer.h for C++20: objects that end by themselves, spans, exceptions.
 *
 * Each object wraps the one of framebuffer.h that its comment names, and adds no lock and no copy.
 * A function that fails throws framebuffer::error. Rules for threads, fork and signals are those of
 * framebuffer.h. Link with -lframebuffer.
 *
 *	framebuffer::client client(key);
 *	framebuffer::frame f = client.put(std::span(pixels));
 *	...
 *	client.read_into(f, std::span(pixels));
 */
#ifndef FRAMEBUFFER_HPP
#define FRAMEBUFFER_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <framebuffer.h>

namespace framebuffer {

/* What a function throws: the text of fb_error_text, its status and, of a timeout, its reason. */
class error : public std::runtime_error {
public:
	explicit error(fb_status status)
		: std::runtime_error(fb_error_text()), status_(status), reason_(fb_error_reason())
	{
	}
	fb_status status() const noexcept { return status_; }
	fb_reason reason() const noexcept { return reason_; }
	bool timeout() const noexcept { return status_ == FB_TIMEOUT; }

private:
	fb_status status_;
	fb_reason reason_;
};

/* Throws an error for every status but FB_OK. */
inline void check(fb_status status)
{
	if (status != FB_OK) [[unlikely]]
		throw error(status);
}

using frame = fb_frame;
using bytes = std::span<std::byte>;
using const_bytes = std::span<const std::byte>;

/* Ranges whose elements may be copied as bytes: vectors, arrays and spans of numbers, strings. */
template <typename R>
concept plain_range =
	std::ranges::contiguous_range<R> && std::ranges::sized_range<R> &&
	std::is_trivially_copyable_v<std::remove_cvref_t<std::ranges::range_reference_t<R>>>;

template <plain_range R>
const_bytes bytes_of(const R &range)
{
	return std::as_bytes(std::span(std::ranges::data(range), std::ranges::size(range)));
}

template <plain_range R>
bytes writable_bytes_of(R &&range)
{
	return std::as_writable_bytes(std::span(std::ranges::data(range), std::ranges::size(range)));
}

/* XXH3-64 of the range's bytes: fb_checksum. */
template <plain_range R>
std::uint64_t checksum(const R &range)
{
	const_bytes all = bytes_of(range);
	return fb_checksum(all.data(), all.size());
}

/* A frame's line of JSON: fb_frame_format. */
inline std::string format(const std::string &key, const frame &f)
{
	char text[FB_FRAME_JSON_SIZE];
	check(fb_frame_format(key.c_str(), f, text));
	return text;
}

/* A key and a frame from a line of JSON: fb_frame_parse. */
inline std::pair<std::string, frame> parse(std::string_view json)
{
	char key[FB_KEY_SIZE];
	frame f;
	check(fb_frame_parse(json.data(), json.size(), key, &f));
	return {key, f};
}

/* Bytes that fb_read has allocated. Moving it moves no byte. */
class buffer {
public:
	buffer(void *data, std::size_t size) : data_(static_cast<std::byte *>(data)), size_(size) {}
	std::byte *data() const noexcept { return data_.get(); }
	std::size_t size() const noexcept { return size_; }
	std::byte *begin() const noexcept { return data(); }
	std::byte *end() const noexcept { return data() + size_; }
	operator bytes() const noexcept { return {data(), size_}; }

private:
	struct release {
		void operator()(std::byte *p) const noexcept { std::free(p); }
	};
	std::unique_ptr<std::byte, release> data_;
	std::size_t size_;
};

/*
 * A chunk that is filled in place: fb_reserve and fb_commit. The client must outlive it. A
 * reservation that is not committed needs no end.
 */
class reservation {
public:
	reservation(fb_client *client, std::uint64_t size) : client_(client)
	{
		check(fb_reserve(client, size, &reservation_));
	}
	reservation(const reservation &) = delete;
	reservation &operator=(const reservation &) = delete;

	framebuffer::bytes bytes() const noexcept
	{
		return {static_cast<std::byte *>(reservation_.bytes), reservation_.size};
	}
	/* Throws when the ring has overwritten the chunk. For writers that take long. */
	void check_owned() const { check(fb_reservation_check(client_, &reservation_)); }
	frame commit() { return commit(reservation_.size); }
	frame commit(std::uint64_t size)
	{
		frame f;
		check(fb_commit(client_, &reservation_, size, &f));
		return f;
	}
	frame commit_unverified(std::uint64_t size)
	{
		frame f;
		check(fb_commit_unverified(client_, &reservation_, size, &f));
		return f;
	}

private:
	fb_client *client_;
	fb_reservation reservation_{};
};

/* How a client attaches: fb_attach_options. */
struct options {
	std::uint32_t flags = 0;     /* FB_ATTACH_... */
	std::string name{};          /* "": the program's name */
	std::uint64_t max_frame = 0; /* read throws for larger frames; 0: no limit */
};

/* An attachment to a server's ring: fb_client. It can be moved. */
class client {
public:
	explicit client(const std::string &key, const options &o = {})
	{
		fb_attach_options all{};
		all.struct_size = sizeof all;
		all.flags = o.flags;
		all.name = o.name.empty() ? nullptr : o.name.c_str();
		all.max_frame = o.max_frame;
		fb_client *c = nullptr;
		check(fb_attach(key.c_str(), &all, &c));
		client_.reset(c);
	}

	fb_client *get() const noexcept { return client_.get(); }
	std::string key() const { return fb_client_key(get()); }
	std::uint64_t max_size() const noexcept { return fb_client_max_size(get()); }
	/* Throws when the client cannot allocate or write any more. */
	void check_usable() const { check(fb_client_error(get())); }
	void close() noexcept { fb_client_close(get()); }

	std::uint64_t allocate(std::uint64_t size)
	{
		std::uint64_t offset;
		check(fb_allocate(get(), size, &offset));
		return offset;
	}
	/* Returns the checksum. */
	template <plain_range R>
	std::uint64_t write(std::uint64_t offset, const R &data)
	{
		const_bytes all = bytes_of(data);
		std::uint64_t sum;
		check(fb_write(get(), offset, all.data(), all.size(), &sum));
		return sum;
	}
	template <plain_range R>
	frame put(const R &data)
	{
		const_bytes all = bytes_of(data);
		frame f;
		check(fb_put(get(), all.data(), all.size(), &f));
		return f;
	}
	/* Copies the frame to the beginning of a range that has room for it. */
	template <plain_range R>
	void read_into(const frame &f, R &&into)
	{
		framebuffer::bytes all = writable_bytes_of(into);
		if (all.size() < f.size)
			throw std::length_error("framebuffer: a frame of " + std::to_string(f.size) +
						" bytes does not fit into " + std::to_string(all.size()));
		check(fb_read_into(get(), f, all.data()));
	}
	buffer read(const frame &f)
	{
		void *data = nullptr;
		check(fb_read(get(), f, &data));
		return buffer(data, f.size);
	}
	reservation reserve(std::uint64_t size) { return reservation(get(), size); }

	/*
	 * Calls look(const_bytes) with the frame in place and returns what it returns. Throws, and so
	 * drops that, if the frame was overwritten meanwhile. The bytes must not be kept.
	 */
	template <std::invocable<const_bytes> F>
	auto view(const frame &f, F &&look)
	{
		fb_view v;
		check(fb_view_begin(get(), f, &v));
		const_bytes all(static_cast<const std::byte *>(v.bytes), v.frame.size);
		if constexpr (std::is_void_v<std::invoke_result_t<F, const_bytes>>) {
			std::invoke(std::forward<F>(look), all);
			check(fb_view_end(get(), &v));
		} else {
			auto result = std::invoke(std::forward<F>(look), all);
			check(fb_view_end(get(), &v));
			return result;
		}
	}

private:
	struct release {
		void operator()(fb_client *c) const noexcept { fb_client_free(c); }
	};
	std::unique_ptr<fb_client, release> client_;
};

} // namespace framebuffer

#include <framebuffer_topic.hpp>

#endif
