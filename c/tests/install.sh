#!/bin/sh
# What make install installs is enough to build the examples, with the shared and with the static
# library, and they exchange a frame with the Go command.
set -eu
dir=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
server=
cd "$(dirname "$0")/.."

make --no-print-directory install DESTDIR="$dir/image" PREFIX=/opt/framebuffer "CC=$CC" >"$dir/log" ||
	{ cat "$dir/log"; exit 1; }
export PKG_CONFIG_PATH="$dir/image/opt/framebuffer/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$dir/image"
export LD_LIBRARY_PATH="$dir/image/opt/framebuffer/lib"
flags=$(pkg-config --cflags --libs framebuffer)
static="$(pkg-config --cflags framebuffer) $LD_LIBRARY_PATH/libframebuffer.a -pthread"
warnings="-Wall -Wextra -Wpedantic -Werror"

"$FRAMEBUFFER_COMMAND" serve --size 4MiB --name "install-$$" --key-file "$dir/key" >"$dir/serve" 2>&1 &
server=$!
until [ -s "$dir/key" ]; do
	kill -0 "$server" || { cat "$dir/serve"; exit 1; }
	sleep 0.02
done
key=$(cat "$dir/key")

for how in "$flags" "$static"; do
	for name in writer reader; do
		# shellcheck disable=SC2086
		$CC -std=c11 $warnings examples/$name.c -o "$dir/$name" $how
	done
	# shellcheck disable=SC2086
	$CXX -std=c++20 $warnings examples/view.cpp -o "$dir/view" $how
	printf 'from C' | "$dir/writer" "$key" >"$dir/frame"
	[ "$("$dir/reader" <"$dir/frame")" = "from C" ]
	[ "$("$FRAMEBUFFER_COMMAND" get - <"$dir/frame")" = "from C" ]
	[ "$("$dir/view" <"$dir/frame")" = 535 ]
	printf 'from Go' | "$FRAMEBUFFER_COMMAND" put --key "$key" - >"$dir/frame"
	[ "$("$dir/reader" <"$dir/frame")" = "from Go" ]
done
if head -c 1048577 /dev/zero | "$dir/writer" "$key" 2>"$dir/error"; then exit 1; fi
grep -q "more than 1048576 bytes" "$dir/error"
if "$dir/reader" </dev/null 2>"$dir/error"; then exit 1; fi
grep -q "framebuffer: " "$dir/error"
make --no-print-directory uninstall DESTDIR="$dir/image" PREFIX=/opt/framebuffer >/dev/null
[ -z "$(find "$dir/image" -type f -o -type l)" ] || { find "$dir/image"; exit 1; }
