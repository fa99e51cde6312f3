"""The layout's numbers, bytes and keys are those that the Go library has in testdata."""

import ctypes
import json
import re
import struct

import xxhash
from conftest import TESTDATA

from framebuffer import _checksum, _control, _key, _layout as L
from framebuffer._libc import bytes_address
from framebuffer._shm.memory import Memory

GOLDEN = json.loads((TESTDATA / "layout.json").read_text())


class Heap(Memory):
    """Memory of this process."""

    def __init__(self, size: int) -> None:
        self.heap = ctypes.create_string_buffer(size + 64)
        super().__init__(ctypes.addressof(self.heap) + 63 & ~63, size)

    unmap = staticmethod(lambda address, size: None)


def constant(prefix: str, word: str) -> str:
    return prefix + "_" + re.sub("[^A-Z0-9]+", "_", word.upper())


def test_every_word_is_where_the_document_says() -> None:
    assert L.VERSION == GOLDEN["version"]
    for prefix, words in GOLDEN["fields"].items():
        for word in words:
            name = constant(prefix, word["name"])
            assert getattr(L, name) == word["offset"], name
    for name, value in GOLDEN["numbers"].items():
        assert getattr(L, name) == value, name


def test_no_word_that_the_document_does_not_have() -> None:
    known = {constant(p, w["name"]) for p, words in GOLDEN["fields"].items() for w in words} | set(GOLDEN["numbers"])
    for name in vars(L):
        if re.match("(OFF|SLOT|HOLD|MILESTONE|TOPIC|GROUP|SUB|RECORD)_[A-Z]", name):
            assert name in known, name


def test_tables_lie_where_the_server_puts_them() -> None:
    for plan in GOLDEN["plans"]:
        mine = L.plan(plan["topics"], plan["depth"])
        assert [[t.at, t.count, t.stride] for t in mine] == plan["tables"]
        assert _control.size(plan["topics"], plan["depth"]) == plan["size"]


def test_milestones_are_as_far_apart() -> None:
    for capacity, shift in GOLDEN["milestone_shifts"].items():
        assert L.milestone_shift(int(capacity)) == shift


def identity() -> _control.Identity:
    raw = dict(GOLDEN["control"]["identity"])
    return _control.Identity(nonce=bytes.fromhex(raw.pop("nonce")), **{k: int(v) for k, v in raw.items()})


def test_a_new_control_object_has_the_same_bytes() -> None:
    who = identity()
    memory = Heap(_control.size(who.topics, who.topic_depth))
    control = _control.format_new(memory, who)
    for mark in GOLDEN["milestones"]:
        control.pass_milestone(int(mark["head"]), int(mark["time"]))
    got = {str(at): bytes(control.bytes[at : at + 8]).hex() for at in range(0, memory.size, 8) if any(control.bytes[at : at + 8])}
    assert got == GOLDEN["control"]["words"]
    again = _control.open_existing(memory, who.nonce, who.capacity)
    assert (again.capacity, again.start, again.hold_limit, again.depth) == (who.capacity, who.start, who.hold_limit, who.topic_depth)


def test_a_chunk_header_has_the_same_bytes() -> None:
    chunk = dict(GOLDEN["chunk"])
    want = bytes.fromhex(chunk.pop("bytes"))
    n = {k: int(v) for k, v in chunk.items()}
    guard = L.Guard(identity().nonce)(n["offset"], n["size"])
    assert L.CHUNK.pack(n["offset"], n["size"], n["time"], n["client"], n["pid"], guard, 0, 0, 0) == want
    assert L.CHUNK_FRONT.size == L.CHUNK_GUARD + 8 and L.CHUNK.size == L.CHUNK_HEADER == len(want)


def test_guards() -> None:
    for v in json.loads((TESTDATA / "guards.json").read_text()):
        assert f"{L.Guard(bytes.fromhex(v['nonce']))(int(v['offset']), int(v['size'])):016x}" == v["guard"]


def test_keys() -> None:
    for v in json.loads((TESTDATA / "keys.json").read_text()):
        key = _key.Key(v["backend"], v["location"], bytes.fromhex(v["nonce"]))
        assert str(key) == v["key"]
        assert _key.parse(v["key"]) == key


def vector(n: int) -> bytes:
    return bytes((i * 131 + (i >> 8) * 29 + n * 7) & 0xFF for i in range(n))


def test_checksums_of_both_ways() -> None:
    """Whichever way was chosen here, both agree with xxhsum."""
    vectors = json.loads((TESTDATA / "xxh3.json").read_text())["vectors"]
    assert len(vectors) >= 70
    ways = [_checksum.Module(), _checksum._way]
    for n, want in vectors:
        data = vector(n)
        address = bytes_address(data)
        for way in ways:
            assert f"{way.of(address, n):016x}" == want, (way, n)
            for part in {1, 63, 256, 65536}:
                if n // part > 300:
                    continue
                stream = way.stream()
                for at in range(0, n, part):
                    stream.update(address + at, min(part, n - at))
                assert f"{stream.digest():016x}" == want, (way, n, part)
        assert f"{_checksum.of(data):016x}" == want == xxhash.xxh3_64_hexdigest(data)


def test_words_are_in_the_machines_order() -> None:
    assert struct.unpack("=Q", struct.pack("<Q", 1)) == (1,), "keys and guards are made of little-endian words"
