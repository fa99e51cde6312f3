/* Enough JSON for testdata/, whose files are valid. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

json json_file(const char *name)
{
	const char *dir = getenv("TESTDATA");
	char path[4096];
	FILE *f;
	char *text;
	long n;

	snprintf(path, sizeof path, "%s/%s", dir ? dir : "../testdata", name);
	f = fopen(path, "r");
	if (!f || fseek(f, 0, SEEK_END) || (n = ftell(f)) < 0)
		test_die(path);
	rewind(f);
	text = malloc((size_t)n + 1);
	if (fread(text, 1, (size_t)n, f) != (size_t)n)
		test_die(path);
	text[n] = '\0';
	fclose(f);
	return text;
}

static json space(json p)
{
	return p + strspn(p, " \t\r\n,:");
}

static json past_string(json p)
{
	for (p++; *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p + 1;
}

/* Behind a value. */
static json past(json p)
{
	int depth = 0;

	p = space(p);
	do {
		if (*p == '"') {
			p = past_string(p);
		} else if (strchr("{[", *p)) {
			depth++;
			p++;
		} else if (strchr("}]", *p)) {
			depth--;
			p++;
		} else {
			p += strcspn(p, ",:}] \n\t\r");
		}
		if (depth)
			p = space(p);
	} while (depth);
	return p;
}

json json_next(json object, json previous, char name[128])
{
	json p = previous ? past(previous) : space(object) + 1;
	char *text;

	p = space(p);
	if (*p == '}')
		return NULL;
	text = json_string(p);
	snprintf(name, 128, "%s", text);
	free(text);
	return space(past_string(p));
}

json json_member(json object, const char *name)
{
	char member[128];

	for (json v = json_next(object, NULL, member); v; v = json_next(object, v, member))
		if (strcmp(member, name) == 0)
			return v;
	return NULL;
}

json json_item(json array, size_t i)
{
	json p = space(space(array) + 1);

	for (; i && *p != ']'; i--)
		p = space(past(p));
	return *p == ']' ? NULL : p;
}

uint64_t json_number(json value)
{
	json p = space(value);

	if (*p == '"')
		p++;
	return strtoull(p, NULL, 10);
}

char *json_string(json value)
{
	json p = space(value), end = past_string(p);
	char *text = malloc((size_t)(end - p)), *to = text;

	for (p++; *p != '"'; p++) {
		if (*p == '\\') {
			p++;
			*to++ = *p == 'n' ? '\n' : *p == 't' ? '\t' : *p;
		} else {
			*to++ = *p;
		}
	}
	*to = '\0';
	return text;
}
