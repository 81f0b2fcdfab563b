"""Which process of this host has a connection."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from engine.view.owner_stacks import _kernel_forms, local_process
from tests.support import eventually


def test_a_connection_of_this_host_tells_its_process() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as link,
    ):
        address = f"127.0.0.1:{link.getsockname()[1]}"
        # The kernel's table is no snapshot: a line can be missed while others come and go.
        assert eventually(lambda: local_process(address), "it is found") == os.getpid()


@pytest.mark.skipif(sys.byteorder != "little", reason="the kernel writes words in its byte order")
def test_addresses_are_looked_up_as_the_kernel_writes_them() -> None:
    assert _kernel_forms("::1", 80) == {"00000000000000000000000001000000:0050"}
    assert _kernel_forms("127.0.0.1", 2181) == {
        "0100007F:0885",
        "0000000000000000FFFF00000100007F:0885",
    }


@pytest.mark.parametrize("address", ["", "192.0.2.1:4000", "nobody", "10.0.0.1:x", "::1"])
def test_what_is_not_of_this_host_is_nobody(address: str) -> None:
    assert local_process(address) is None
