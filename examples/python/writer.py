#!/usr/bin/python3
"""Writes a megabyte into shared memory and sends its descriptor to the reader: the writer program of
the original Python library. Start a server and a reader first, in Python or in Go.

    PYTHONPATH=python python3 examples/python/writer.py
"""

from random import getrandbits
from sys import byteorder

from rpc import RPC_CALL

from framebuffer import Frame
from framebuffer.client import FrameBufferClient

# Generate random bytes
size = 2**20
data = getrandbits(8 * size).to_bytes(size, byteorder)

key = RPC_CALL("framebuffer", "get_key")

with FrameBufferClient(key) as client:

    # Allocate 1MiB buffer. client.allocate(size) is the same without the round trip.
    offset = RPC_CALL("framebuffer", "allocate", args=(size))

    # Write data to chunk
    checksum = client.write(offset, data)

    # Send the descriptor to the reader: offset, size, checksum and the key
    frame = Frame(key, int(offset), size, checksum)
    print(f"sent {frame}")
    print("the reader says:", RPC_CALL("reader", "send_data", args=frame))
