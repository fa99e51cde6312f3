"""Labels: the part of a chunk's header that describes its publication in a topic."""

from . import _atomics, _layout as L
from ._chunks import Chunks


class Labels:
    """The labels on the chunks of a ring. All methods may be called from any thread."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks

    def put_label(self, offset: int, size: int, client: int, checksum: int, time_ns: int, topic: int, sequence: int) -> bool:
        """Puts a label on the intact chunk at offset, by a compare-and-swap of its stamp from 0. False,
        with nothing done, if there is no such chunk, it has a label, or it was allocated by another
        client or with another size."""
        chunks = self._chunks
        if offset < L.CHUNK_HEADER or offset % L.ALIGN or not chunks.intact(offset - L.CHUNK_HEADER):
            return False
        at = (offset - L.CHUNK_HEADER) % chunks.capacity
        own, has, _, by, _, guard = L.CHUNK_FRONT.unpack_from(chunks.bytes, at)
        if own != offset or has != size or by != client or guard != chunks.guard(offset, size):
            return False
        stamp = L.stamp(chunks.guard, guard, checksum, time_ns, topic, sequence)
        if stamp == 0 or not _atomics.cas64(chunks.base + at + L.CHUNK_STAMP, 0, stamp):
            return False
        L.LABEL_REST.pack_into(chunks.bytes, at + L.CHUNK_CHECKSUM, checksum, time_ns)
        return True

    def update_label(self, offset: int, size: int, checksum: int, time_ns: int, topic: int, sequence: int) -> None:
        """Changes the sequence number in the label.

        Preconditions: put_label returned True for the chunk, and its offset is in no queue yet.
        """
        chunks = self._chunks
        stamp = L.stamp(chunks.guard, chunks.guard(offset, size), checksum, time_ns, topic, sequence)
        _atomics.store64(chunks.base + (offset - L.CHUNK_HEADER) % chunks.capacity + L.CHUNK_STAMP, stamp)

    def label(self, offset: int, topic: int, sequence: int) -> "tuple[int, int, int] | None":
        """Size, checksum and time of the intact chunk at offset whose label has that topic and sequence
        number, or None."""
        if offset < L.CHUNK_HEADER or offset % L.ALIGN:
            return None
        chunks = self._chunks
        own, size, _, _, _, guard, stamp, checksum, time_ns = L.LABELLED.unpack_from(chunks.bytes, (offset - L.CHUNK_HEADER) % chunks.capacity)
        if own != offset or size > chunks.max_size or guard != chunks.guard(offset, size):
            return None
        if stamp != L.stamp(chunks.guard, guard, checksum, time_ns, topic, sequence) or not chunks.is_intact(offset):
            return None
        return size, checksum, time_ns
