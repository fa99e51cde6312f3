#!/usr/bin/python3
"""A service named reader, whose method send_data takes offset, size and checksum of a frame and
reads it: the reader program of the original Python library. Start a server first, in Python or in Go.

    PYTHONPATH=python python3 examples/python/reader.py
"""

from rpc import RPC_CALL, RPC_METHOD, RUN_SERVICE

from framebuffer.client import FrameBufferClient, FrameBufferTimeout

key = RPC_CALL("framebuffer", "get_key")

with FrameBufferClient(key) as client:

    @RPC_METHOD(service_name="reader")
    def send_data(offset, size, checksum):
        try:
            data = client.read(offset, size, checksum)
        except FrameBufferTimeout:
            # Later frames have overwritten this one: it is lost, and the next one is on its way.
            return "timeout"
        print(f"read {len(data)} bytes, checksum {checksum}", flush=True)
        return "ok"

    RUN_SERVICE(ready=lambda: print("waiting for frames", flush=True))
