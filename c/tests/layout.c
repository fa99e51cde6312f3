/* c/src/layout.h beside testdata/layout.json, and a control object and a chunk byte by byte. */
#include "common.h"

#include "../src/control.h"
#include "../src/text.h"

struct field {
	const char *group, *name;
	size_t offset, size;
};

#define MEMBER_SIZE(type, member) sizeof(((struct type *)0)->member)
#define FIELD(group, text, type, member) \
	{group, text, offsetof(struct type, member), MEMBER_SIZE(type, member)}
#define H(text, member) FIELD("OFF", text, fbi_header, member)
#define S(text, member) FIELD("SLOT", text, fbi_slot, member)
#define R(text, member) FIELD("RECORD", text, fbi_record, member)
#define T(text, member) FIELD("TOPIC", text, fbi_topic, member)
#define C(text, member) FIELD("CHUNK", text, fbi_chunk, member)

static const struct field fields[] = {
	H("magic", magic), H("version", version), H("header size", header_size), H("nonce", nonce),
	H("capacity", capacity), H("control size", control_size), H("server pid", server_pid),
	H("pages", pages), H("created, wall", created_wall), H("created, monotonic", created_mono),
	H("server", server), H("state", state), H("head", head), H("hold until", hold_until),
	H("hold generation", hold_gen), H("hold high", hold_high),
	H("slots", tables[FBI_SLOTS]), H("holds", tables[FBI_HOLDS]),
	H("milestones", tables[FBI_MILESTONES]), H("groups", tables[FBI_GROUPS]),
	H("subscriptions", tables[FBI_SUBS]), H("topics", tables[FBI_TOPICS]),
	H("topic depth", topic_depth), H("hold limit", hold_limit), H("start", start),
	S("claim", claim), S("pid", pid), S("role", role), S("pid namespace", pid_namespace),
	S("process start", process_start), S("attached", attached), S("ready", ready),
	S("name", name), S("allocations", counters[FBI_ALLOCATIONS]),
	S("allocated bytes", counters[FBI_ALLOCATED_BYTES]), S("writes", counters[FBI_WRITES]),
	S("written bytes", counters[FBI_WRITTEN_BYTES]), S("reads", counters[FBI_READS]),
	S("read bytes", counters[FBI_READ_BYTES]), S("overwritten", counters[FBI_OVERWRITTEN]),
	S("altered", counters[FBI_ALTERED]), S("last", last), S("external reads", external[0]),
	S("external bytes", external[1]), S("external timeouts", external[2]),
	S("external reason", external_reason), S("timed bytes", timed[0]), S("timed ns", timed[1]),
	S("life", life),
	FIELD("HOLD", "term", fbi_hold_entry, term), FIELD("HOLD", "start", fbi_hold_entry, start),
	FIELD("HOLD", "length", fbi_hold_entry, length),
	FIELD("MILESTONE", "position", fbi_milestone, position),
	FIELD("MILESTONE", "time", fbi_milestone, time),
	FIELD("GROUP", "name hash", fbi_group, name_hash), FIELD("GROUP", "topic", fbi_group, topic),
	FIELD("GROUP", "cursor", fbi_group, cursor), FIELD("GROUP", "name", fbi_group, name),
	FIELD("SUB", "claim", fbi_sub, claim), FIELD("SUB", "slot", fbi_sub, slot),
	FIELD("SUB", "topic", fbi_sub, topic), FIELD("SUB", "cursor", fbi_sub, cursor),
	FIELD("SUB", "received", fbi_sub, received), FIELD("SUB", "lost", fbi_sub, lost),
	T("name hash", name_hash), T("named", named), T("state", state), T("name", name),
	T("first", first), T("next", next), T("wake", wake), T("bytes", bytes),
	T("queue word 0", queue[0]),
	C("offset", offset), C("size", size), C("time", time), C("client", client), C("pid", pid),
	C("guard", guard), C("stamp", stamp), C("checksum", checksum), C("published", published),
	R("sum", sum), R("sequence", sequence), R("offset", offset), R("size", size),
	R("checksum", checksum), R("time", time), R("topic", topic), R("dimensions", dimensions),
	R("user length", user_length), R("source", source), R("width", width), R("height", height),
	R("shape", shape), R("format", format), R("content type", content_type), R("user", user),
	R("room", room),
};

static const struct {
	const char *name;
	uint64_t value;
} numbers[] = {
	{"ALIGN", FBI_ALIGN}, {"CHUNK_HEADER", FBI_CHUNK_HEADER},
	{"DEFAULT_TOPICS", FBI_DEFAULT_TOPICS}, {"DEFAULT_TOPIC_DEPTH", FBI_DEFAULT_TOPIC_DEPTH},
	{"HEADER_SIZE", FBI_HEADER_SIZE}, {"HOLD_CLAIMS", FBI_HOLD_CLAIMS},
	{"HOLD_CONFIRMED", FBI_HOLD_CONFIRMED}, {"HOLD_GRACE", FBI_HOLD_GRACE},
	{"HOLD_TAG", FBI_HOLD_TAG}, {"LIFE_DIED", FBI_LIFE_DIED},
	{"LIFE_DISTANCE", FBI_LIFE_DISTANCE}, {"LIFE_UNKNOWN", FBI_LIFE_UNKNOWN},
	{"MAGIC", FBI_MAGIC}, {"MAX_HOLD", FBI_MAX_HOLD}, {"MAX_TOPICS", FBI_MAX_TOPICS},
	{"MAX_TOPIC_DEPTH", FBI_MAX_TOPIC_DEPTH}, {"MILESTONE_TAG", FBI_MILESTONE_TAG},
	{"QUEUE_LAP", FBI_QUEUE_LAP}, {"QUEUE_RECORD", FBI_QUEUE_RECORD},
	{"QUEUE_TAG", FBI_QUEUE_TAG}, {"RECORD_LONG", FBI_RECORD_LONG},
	{"RECORD_SHORT", FBI_RECORD_SHORT}, {"ROLE_CLIENT", FBI_ROLE_CLIENT},
	{"ROLE_READ_ONLY", FBI_ROLE_READ_ONLY}, {"ROLE_SERVER", FBI_ROLE_SERVER},
	{"STATE_CLOSED", FBI_STATE_CLOSED}, {"STATE_OPEN", FBI_STATE_OPEN},
};

static void check_field(const char *group, json field, size_t *known)
{
	char *name = json_string(json_member(field, "name"));

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		if (strcmp(fields[i].group, group) != 0 || strcmp(fields[i].name, name) != 0)
			continue;
		++*known;
		if (fields[i].offset != json_number(json_member(field, "offset")) ||
		    fields[i].size != json_number(json_member(field, "size")))
			test_fail(__FILE__, __LINE__, "%s %s lies at %zu with %zu bytes", group, name,
				  fields[i].offset, fields[i].size);
		free(name);
		return;
	}
	test_fail(__FILE__, __LINE__, "layout.h does not have %s %s", group, name);
	free(name);
}

static void check_fields(json layout)
{
	json groups = json_member(layout, "fields");
	char group[128];
	size_t known = 0;

	for (json g = json_next(groups, NULL, group); g; g = json_next(groups, g, group))
		for (size_t i = 0; json_item(g, i); i++)
			check_field(group, json_item(g, i), &known);
	EQ(known, sizeof fields / sizeof fields[0]);
}

static void check_numbers(json layout)
{
	json all = json_member(layout, "numbers");
	char name[128];
	size_t n = 0;

	for (json v = json_next(all, NULL, name); v; v = json_next(all, v, name), n++)
		for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
			if (strcmp(numbers[i].name, name) == 0 && numbers[i].value != json_number(v))
				test_fail(__FILE__, __LINE__, "%s is %" PRIu64, name,
					  numbers[i].value);
	EQ(n, sizeof numbers / sizeof numbers[0]);
	EQ(FBI_VERSION, json_number(json_member(layout, "version")));
}

static void check_plans(json layout)
{
	json plans = json_member(layout, "plans"), plan, shifts;
	char capacity[128];

	for (size_t i = 0; (plan = json_item(plans, i)) != NULL; i++) {
		struct fbi_table tables[FBI_TABLES];
		uint64_t end = fbi_plan(tables, (uint32_t)json_number(json_member(plan, "topics")),
					(uint32_t)json_number(json_member(plan, "depth")));

		EQ(end, json_number(json_member(plan, "size")));
		for (size_t t = 0; t < FBI_TABLES; t++) {
			json want = json_item(json_member(plan, "tables"), t);

			EQ(tables[t].at, json_number(json_item(want, 0)));
			EQ(tables[t].count, json_number(json_item(want, 1)));
			EQ(tables[t].stride, json_number(json_item(want, 2)));
		}
	}
	shifts = json_member(layout, "milestone_shifts");
	for (json v = json_next(shifts, NULL, capacity); v; v = json_next(shifts, v, capacity))
		EQ(fbi_milestone_shift(strtoull(capacity, NULL, 10)), json_number(v));
}

/* Formats the control object of testdata, and compares each word that is not 0. */
static void check_control(json layout)
{
	json id = json_member(json_member(layout, "control"), "identity"), words, m;
	struct fbi_identity identity = {
		.capacity = json_number(json_member(id, "capacity")),
		.created_mono = (int64_t)json_number(json_member(id, "created_mono")),
		.created_wall = (int64_t)json_number(json_member(id, "created_wall")),
		.hold_limit = json_number(json_member(id, "hold_limit")),
		.pages = (uint32_t)json_number(json_member(id, "pages")),
		.server_pid = (uint32_t)json_number(json_member(id, "server_pid")),
		.start = json_number(json_member(id, "start")),
		.topic_depth = (uint32_t)json_number(json_member(id, "topic_depth")),
		.topics = (uint32_t)json_number(json_member(id, "topics")),
	};
	char *nonce = json_string(json_member(id, "nonce")), at[128], word[17];
	struct fbi_control c, again;
	struct fbi_table tables[FBI_TABLES];
	uint64_t size = fbi_plan(tables, identity.topics, identity.topic_depth), found = 0, n = 0;
	uint8_t *memory = aligned_alloc(64, (size + 63) & ~UINT64_C(63));

	memset(memory, 0, size);
	fbi_read_hex(identity.nonce, nonce, strlen(nonce));
	fbi_control_format(&c, memory, size, &identity);
	m = json_item(json_member(layout, "milestones"), 0);
	fbi_pass_milestone(&c, json_number(json_member(m, "head")),
			   (int64_t)json_number(json_member(m, "time")));
	words = json_member(json_member(layout, "control"), "words");
	for (json v = json_next(words, NULL, at); v; v = json_next(words, v, at), n++) {
		char *want = json_string(v);

		fbi_write_hex(word, memory + strtoull(at, NULL, 10), 8);
		STR_EQ(word, want);
		free(want);
	}
	for (uint64_t i = 0; i < size; i += 8)
		found += *(uint64_t *)(void *)(memory + i) != 0;
	EQ(found, n);
	OK(fbi_control_open(&again, memory, size, identity.nonce, identity.capacity));
	EQ(again.start, identity.start);
	EQ(again.hold_limit, identity.hold_limit);
	free(memory);
	free(nonce);
}

static void check_guards(void)
{
	json guards = json_file("guards.json"), labels = json_file("labels.json"), g;

	for (size_t i = 0; (g = json_item(guards, i)) != NULL; i++) {
		char *nonce = json_string(json_member(g, "nonce"));
		char *guard = json_string(json_member(g, "guard"));
		uint64_t halves[2];

		fbi_read_hex(halves, nonce, 32);
		EQ(fbi_guard(halves, json_number(json_member(g, "offset")),
			     json_number(json_member(g, "size"))),
		   strtoull(guard, NULL, 16));
		free(nonce);
		free(guard);
	}
	TRUE(json_item(labels, 0) != NULL);
	for (size_t i = 0; (g = json_item(labels, i)) != NULL; i++) {
		char *nonce = json_string(json_member(g, "nonce"));
		char *sum = json_string(json_member(g, "checksum"));
		char *header = json_string(json_member(g, "header"));
		struct fbi_chunk chunk = {.offset = json_number(json_member(g, "offset")),
					  .size = json_number(json_member(g, "size")),
					  .checksum = strtoull(sum, NULL, 16),
					  .published =
						  (int64_t)json_number(json_member(g, "published"))};
		uint64_t halves[2];
		char got[2 * 32 + 1];

		fbi_read_hex(halves, nonce, 32);
		chunk.guard = fbi_guard(halves, chunk.offset, chunk.size);
		chunk.stamp = fbi_stamp(halves, chunk.guard, chunk.checksum, chunk.published,
					(uint32_t)json_number(json_member(g, "topic")),
					json_number(json_member(g, "sequence")));
		fbi_write_hex(got, &chunk.guard, 32);
		STR_EQ(got, header + 64);
		free(nonce);
		free(sum);
		free(header);
	}
	free((char *)guards);
	free((char *)labels);
}

int main(void)
{
	json layout = json_file("layout.json");

	check_fields(layout);
	check_numbers(layout);
	check_plans(layout);
	check_control(layout);
	check_guards();
	free((char *)layout);
	return test_result();
}
