import socket
from collections.abc import Iterator

import pytest

from trading.bots.wire import Channel, Said, encode, receive, send


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    ours, its = socket.socketpair()
    with ours, its:
        yield Channel(ours), its


Ends = tuple[Channel, socket.socket]


def test_messages_come_whole_however_they_are_cut(ends: Ends):
    channel, its = ends
    message = encode(Said(number=7, error="x" * 300))
    whole = len(message).to_bytes(4, "little") + message
    found = []
    for place in range(0, 2 * len(whole), 11):
        its.sendall((whole * 2)[place : place + 11])
        found += channel.receive()

    assert [each.number for each in found] == [7, 7]
    assert not channel.ended


def test_what_there_is_no_room_for_is_sent_later(ends: Ends):
    channel, its = ends
    message = b"q" * 3_000_000
    channel.put(message)
    assert channel.unsent

    its.settimeout(0.0)
    found = bytearray()
    while len(found) < 4 + len(message):
        found += its.recv(1 << 20)
        channel.flush()

    assert bytes(found[4:]) == message
    assert not channel.unsent


def test_an_answer_sent_before_the_end_is_heard(ends: Ends):
    channel, its = ends
    send(its, encode(Said(number=3)))
    its.close()

    assert [each.number for each in channel.receive()] == [3]
    assert channel.ended


@pytest.mark.parametrize("nonsense", [b"\x02\x00\x00\x00hi", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x01\x00\x00\x00\x93"])
def test_nonsense_ends_the_channel(nonsense: bytes, ends: Ends):
    channel, its = ends
    its.sendall(nonsense + b"more")

    assert channel.receive() == []
    assert channel.ended


def test_writing_to_nobody_is_told_by_reading(ends: Ends):
    channel, its = ends
    its.close()
    channel.put(b"question")

    assert not channel.unsent
    assert channel.receive() == []
    assert channel.ended


def test_nothing_is_received_of_a_parent_that_is_gone(ends: Ends):
    channel, its = ends
    channel.put(b"first")
    channel.close()

    assert receive(its) == b"first"
    assert receive(its) is None
