"""The two kinds of entries of a topic's queue: labels and records. See _topics for the order of their stores."""

from typing import Callable, NamedTuple

from . import _checksum, _layout as L
from ._chunks import Chunks
from ._labels import Labels
from .meta import Meta


class Record(NamedTuple):
    """The description of a frame that was intact a moment ago."""

    offset: int
    size: int
    checksum: int
    time_ns: int
    content: "tuple[int, int, bytes] | None"

    @property
    def meta(self) -> Meta:
        return Meta() if self.content is None else Meta.unpack(*self.content)


class Label:
    """An entry in the frame's own header."""

    def __init__(self, labels: Labels, record: Record, topic: int) -> None:
        self._labels, self._record, self._topic = labels, record, topic
        self.offset = self.word = record.offset
        self._sequence = -1

    def put(self, slot: int, sequence: int) -> bool:
        """Puts it on; False if the frame's header has no room for it: see Labels.put_label."""
        self._sequence = sequence
        r = self._record
        return self._labels.put_label(r.offset, r.size, slot, r.checksum, r.time_ns, self._topic, sequence)

    def set_sequence(self, sequence: int) -> None:
        """Stores the sequence number."""
        if sequence != self._sequence:  # another publisher was faster
            self._sequence = sequence
            r = self._record
            self._labels.update_label(r.offset, r.size, r.checksum, r.time_ns, self._topic, sequence)


class RecordChunk:
    """An entry in a chunk of its own."""

    def __init__(self, chunks: Chunks, record: Record, topic: int, slot: int, allocate: Callable[[int], int]) -> None:
        dimensions, user_length, content = record.content or (0, 0, b"")
        self._raw = bytearray(L.RECORD_SHORT + len(content))
        L.RECORD.pack_into(self._raw, 0, 0, 0, record.offset, record.size, record.checksum, record.time_ns, topic, dimensions, user_length, slot, 0)
        self._raw[L.RECORD_SHORT :] = content
        self.offset = allocate(len(self._raw))
        self.word = self.offset | L.QUEUE_RECORD
        self._memory = chunks.writable(self.offset, len(self._raw))

    def set_sequence(self, sequence: int) -> None:
        """Stores the whole record, with that sequence number."""
        self._raw[L.RECORD_SEQUENCE : L.RECORD_SEQUENCE + 8] = sequence.to_bytes(8, "little")
        total = _checksum.of(bytes(self._raw[L.RECORD_SEQUENCE :]))
        self._raw[: L.RECORD_SEQUENCE] = total.to_bytes(8, "little")
        self._memory[:] = self._raw
