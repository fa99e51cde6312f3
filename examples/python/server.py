#!/usr/bin/python3
"""Owns the shared memory and answers two calls, get_key and allocate: the server program of the
original Python library. README.md says what rpc is.

    PYTHONPATH=python python3 examples/python/server.py
"""

from rpc import RPC_METHOD, RUN_SERVICE

from framebuffer.server import FrameBufferServer

size = 500 * 2**20  # use 500MiB RAM
server = FrameBufferServer(size)

with server:

    @RPC_METHOD(service_name="framebuffer")
    def get_key():
        """Get shared memory access key"""
        return server.get_key()

    @RPC_METHOD(service_name="framebuffer")
    def allocate(size):
        """Allocate buffer of size `size`"""
        offset = server.allocate(int(size))
        return offset

    RUN_SERVICE(ready=lambda: print(f"serving; key {server.get_key()}", flush=True))
