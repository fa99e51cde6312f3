"""The Python side of the soak; see peer/main.go."""

import struct
import sys

from framebuffer.client import FrameBufferClient, FrameBufferTimeout
from framebuffer.errors import FrameBufferError, HoldLimit
from framebuffer.frame import Frame

HEAD = struct.Struct("<QQ")
PATTERN_SIZE = 1 << 20
MASK = (1 << 64) - 1


def pattern() -> bytes:
    words, state = [], 1
    for _ in range(PATTERN_SIZE // 8):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        words.append(z ^ z >> 31)
    return struct.pack(f"<{len(words)}Q", *words) * 2


def payload(p: bytes, n: int, seq: int) -> bytes:
    at = (n * 7919 + seq * 104729) % PATTERN_SIZE
    return HEAD.pack(n, seq) + p[at : at + (n * 31 + seq * 7907) % 199_999 + 1]


def write(client: FrameBufferClient, number: int) -> None:
    p, seq = pattern(), 0
    while True:
        try:
            print(client.put(payload(p, number, seq)), flush=True)
        except (FrameBufferTimeout, HoldLimit):
            pass  # that frame is lost
        seq += 1


def judged(p: bytes, data: "bytes | memoryview") -> str:
    if len(data) < HEAD.size:
        return f"wrong: {len(data)} bytes"
    n, seq = HEAD.unpack_from(data)
    return f"ok {n}" if data == payload(p, n, seq) else f"wrong: frame {seq} of writer {n}"


def in_place(client: FrameBufferClient, p: bytes, frame: Frame, judgement: str) -> str:
    """In place nobody sees a store by a process that slept for a lap (docs/guarantees.md), and on a
    ring as small as this one a busy machine is enough for that. Then the bytes are no frame any
    more, which a copy is told by its checksum: FrameBufferTimeout."""
    return judgement if judgement.startswith("ok") else judged(p, client.get(frame)).replace("ok", "wrong: a moment ago")


def look(client: FrameBufferClient, p: bytes, frame: Frame, buffer: bytearray) -> str:
    try:
        way = frame.offset // 64 % 4
        if way == 0:
            with client.view(frame) as view:
                return in_place(client, p, frame, judged(p, view))
        if way == 1:
            with client.hold(frame, seconds=0.02) as hold:
                return in_place(client, p, frame, judged(p, hold.view))
        if way == 2:
            return judged(p, memoryview(buffer)[: client.read_into(buffer, frame)])
        return judged(p, client.get(frame))
    except (FrameBufferTimeout, HoldLimit):
        return "timeout"
    except FrameBufferError as e:
        return f"wrong: {e}"


def read(client: FrameBufferClient) -> None:
    p, buffer = pattern(), bytearray(HEAD.size + 200_000)
    for line in sys.stdin:
        print(look(client, p, Frame.from_json(line), buffer), flush=True)


if __name__ == "__main__":
    what, key, number = sys.argv[1:]
    with FrameBufferClient(key) as attached:
        if what == "write":
            write(attached, int(number))
        else:
            read(attached)
