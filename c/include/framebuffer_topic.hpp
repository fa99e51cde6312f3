/*
 * framebuffer_topic.hpp - framebuffer_topic.h for C++20. framebuffer.hpp includes it.
 */
#ifndef FRAMEBUFFER_TOPIC_HPP
#define FRAMEBUFFER_TOPIC_HPP

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <framebuffer.hpp>

namespace framebuffer {

using meta = fb_meta;
using message = fb_message;

/* Publishes to a topic: fb_publisher. The client must outlive it. */
class publisher {
public:
	publisher(client &c, const std::string &topic)
	{
		fb_publisher *p = nullptr;
		check(fb_publisher_open(c.get(), topic.c_str(), &p));
		publisher_.reset(p);
	}
	fb_publisher *get() const noexcept { return publisher_.get(); }

	template <plain_range R>
	message publish(const R &data, const meta *m = nullptr)
	{
		const_bytes all = bytes_of(data);
		message sent;
		check(fb_publish(get(), all.data(), all.size(), m, &sent));
		return sent;
	}
	/* Publishes a frame that is in the ring already. time: ns since 1970 UTC. */
	message publish_frame(const frame &f, const meta *m = nullptr, std::int64_t time = FB_NOW)
	{
		message sent;
		check(fb_publish_frame(get(), f, m, time, &sent));
		return sent;
	}
	void end() { check(fb_publisher_end(get())); }

private:
	struct release {
		void operator()(fb_publisher *p) const noexcept { fb_publisher_free(p); }
	};
	std::unique_ptr<fb_publisher, release> publisher_;
};

/* How a subscription begins: fb_subscribe_options. */
struct subscribe_options {
	fb_from from = FB_FROM_NEXT;
	std::string group{};              /* "": none */
	std::chrono::nanoseconds spin{0}; /* how long next polls before it sleeps; negative: for ever */
};

/* Receives a topic's messages: fb_subscription. The client must outlive it. */
class subscription {
public:
	subscription(client &c, const std::string &topic, const subscribe_options &o = {})
	{
		fb_subscribe_options all{};
		all.struct_size = sizeof all;
		all.from = o.from;
		all.group = o.group.empty() ? nullptr : o.group.c_str();
		all.spin = o.spin.count();
		fb_subscription *s = nullptr;
		check(fb_subscribe(c.get(), topic.c_str(), &all, &s));
		subscription_.reset(s);
	}
	fb_subscription *get() const noexcept { return subscription_.get(); }

	/* The next message; nothing after the topic's end. */
	std::optional<message> next() { return wait(FB_FOREVER, FB_ENDED); }
	/*
	 * The next message, or nothing if none comes in that time. The topic's end is an error with
	 * the status FB_ENDED.
	 */
	std::optional<message> next_within(std::chrono::nanoseconds time)
	{
		return wait(time.count() < 0 ? 0 : time.count(), FB_NOTHING);
	}
	std::uint64_t lag() { return fb_subscription_lag(get()); }
	std::uint64_t received() const noexcept { return fb_subscription_received(get()); }
	std::uint64_t lost() const noexcept { return fb_subscription_lost(get()); }
	/* Ends it, and a next that waits in another thread. */
	void close() noexcept { fb_subscription_close(get()); }

private:
	std::optional<message> wait(std::int64_t time, fb_status nothing)
	{
		message m;
		fb_status status = fb_next(get(), time, &m);
		if (status == nothing)
			return std::nullopt;
		check(status);
		return m;
	}
	struct release {
		void operator()(fb_subscription *s) const noexcept { fb_subscription_free(s); }
	};
	std::unique_ptr<fb_subscription, release> subscription_;
};

} // namespace framebuffer

#endif
