"""Frames: a click comes back as it was, and nothing else passes for a frame."""

import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.clicks import frame
from shortener.domain import visitor
from shortener.domain.click import UTM_PARAMETERS, ClickClass, Flag
from tests import frames
from tests.frames import Click
from tests.unit.laws import law, slow_law

SEED = 0xC0FFEE
FULL = Click(
    time_ms=1_795_348_800_123,
    link_id=7,
    nonce=2**32 - 1,
    code="grün",
    variant="b: blauer Knopf",
    click_class=ClickClass.PREVIEW,
    flags=Flag.PREFETCH | Flag.QR,
    network=b"\xc0\x00\x02",
    visitor_hash=2**63 - 1,
    salt_day=20_779,
    user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
    language="de-DE,de;q=0.9",
    referrer="https://news.example",
    utm={name: f"value of {name}" for name in UTM_PARAMETERS},
)
BARE = Click(time_ms=0, link_id=1, nonce=0, code="")
ORPHAN = Click(time_ms=1, link_id=None, nonce=0, code="/wp-login.php", network=b"\x20\x01\x0d\xb8\x12\x34")
CLICKS = {"full": FULL, "bare": BARE, "orphan": ORPHAN, "orphan on a domain": replace(ORPHAN, domain="b.example")}
every_click = pytest.mark.parametrize("click", CLICKS.values(), ids=list(CLICKS))

words = st.text(max_size=60)
of_link = st.fixed_dictionaries(
    {"link_id": st.integers(0, 2**63 - 1), "nonce": st.integers(0, 2**32 - 1), "code": words, "variant": words}
)
of_orphan = st.fixed_dictionaries({"link_id": st.none(), "nonce": st.just(0), "code": words, "domain": words})
any_click = st.builds(
    lambda link, **others: Click(**link, **others),
    of_link | of_orphan,
    time_ms=st.integers(0, 2**64 - 1),
    click_class=st.none() | st.sampled_from(ClickClass),
    flags=st.integers(0, 7).map(Flag),
    network=st.sampled_from([0, 3, 6]).flatmap(lambda size: st.binary(min_size=size, max_size=size)),
    visitor_hash=st.integers(0, 2**63 - 1),
    salt_day=st.integers(0, 2**32 - 1),
    user_agent=words,
    language=words,
    referrer=words,
    utm=st.dictionaries(st.sampled_from(UTM_PARAMETERS), st.text(min_size=1, max_size=60)),
)


def sealed(click: Click, seed: int = SEED) -> bytes:
    return frame.seal(frames.encode(click), seed)


def body_of(data: bytes, offset: int = 0, seed: int = SEED) -> bytes:
    reading = frames.read(data, offset, seed)
    assert reading.body is not None
    return reading.body


@law
@given(any_click)
def test_a_click_comes_back(click: Click) -> None:
    data = sealed(click)
    reading = frames.read(data, 0, SEED)
    assert reading.body is not None
    assert reading.end == len(data)
    assert frames.decode(reading.body) == click


@slow_law
@given(st.lists(any_click, max_size=4), st.integers(0, 64), st.binary(max_size=12).map(lambda rest: bytes(len(rest))))
def test_frames_stand_one_behind_the_other(clicks: list[Click], at: int, zeros: bytes) -> None:
    data = bytes(at) + b"".join(sealed(click) for click in clicks) + zeros
    found = []
    while (reading := frames.read(data, at, SEED)).body is not None:
        found.append(frames.decode(reading.body))
        at = reading.end
    assert found == clicks
    assert reading.end == at == len(data) - len(zeros)


def test_the_layout_is_on_disks_and_so_must_never_change() -> None:
    click = replace(
        BARE,
        time_ms=0x0102030405060708,
        link_id=9,
        code="ab",
        variant="c",
        network=b"\1\2\3",
        flags=Flag.DO_NOT_TRACK,
    )
    assert frames.encode(click) == bytes.fromhex(
        "0807060504030201 04 00"  # time, flags, class
        "01 0900000000000000 00000000 0200 6162 0100 63"  # kind, link, nonce, code, variant
        "00000000 0000000000000000 0300 010203 0000 0000"  # salt day, hash, network, user agent, language
        "0000 0000 0000 0000 0000 0000"  # referrer, utm
    )
    assert frame.pack_orphan("b.example", "/ab") == bytes.fromhex(
        "00 0000000000000000 00000000 0300 2f6162 0900 622e6578616d706c65"  # kind, nothing, path, domain
    )
    assert (
        frame.seal(b"payload", 5)
        == bytes.fromhex("08000000") + zlib.crc32(b"\2payload", 5).to_bytes(4, "little") + b"\2payload"
    )
    assert frame.body_of(b"payload") == b"\2payload"


@every_click
def test_the_three_parts_make_the_whole(click: Click) -> None:
    """What a cache keeps of a link and of a visitor, and what is new, give the same bytes as the click at once."""
    link = frames.pack_link(click)
    visited = frame.pack_visitor(
        salt_day=click.salt_day,
        visitor_hash=click.visitor_hash,
        network=click.network,
        user_agent=click.user_agent,
        language=click.language,
    )
    request = frame.pack_request(click.referrer, click.utm)
    packed = frame.pack(click.time_ms, click.flags, click.click_class, link, visited, request)
    assert packed == frames.encode(click)


# --- what is no frame


@every_click
def test_a_cut_frame_is_no_frame(click: Click) -> None:
    data = sealed(click)
    for length in range(len(data)):
        assert frames.read(data[:length], 0, SEED) == frames.Reading(None, 0)
        # The same on a segment that is zeroed ahead.
        if data[length:].strip(b"\0"):
            assert frames.read(data[:length].ljust(len(data) + 64, b"\0"), 0, SEED) == frames.Reading(None, 0)


@every_click
def test_a_damaged_frame_is_no_frame(click: Click) -> None:
    data = sealed(click) + sealed(FULL) + bytes(64)
    for position in range(len(sealed(click))):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            assert frames.read(bytes(damaged), 0, SEED) == frames.Reading(None, 0), (position, bit)


@every_click
def test_a_frame_of_another_segment_is_no_frame(click: Click) -> None:
    for seed in (0, SEED + 1, SEED ^ 1 << 31):
        assert frames.read(sealed(click, seed), 0, SEED) == frames.Reading(None, 0)
        assert frames.read(sealed(click), 0, seed) == frames.Reading(None, 0)


@pytest.mark.parametrize(
    "data", [b"", b"\0", bytes(8), bytes(1000), b"\xff" * 1000], ids=["", "0", "8", "1000", "ff"]
)
def test_nothing_is_no_frame(data: bytes) -> None:
    assert frames.read(data, 0, SEED) == frames.Reading(None, 0)
    assert frames.read(data, len(data), SEED) == frames.Reading(None, len(data))


@law
@given(st.binary(max_size=200), st.integers(0, 200), st.integers(0, 2**32 - 1))
def test_chance_makes_no_frame(data: bytes, offset: int, seed: int) -> None:
    assert frames.read(data, offset, seed) == frames.Reading(None, offset)


def test_the_shortest_and_the_longest_frame() -> None:
    assert body_of(frame.seal(b"", SEED)) == bytes([frame.VERSION])
    assert len(body_of(frame.seal(bytes(frame.MAX_LENGTH - 1), SEED))) == frame.MAX_LENGTH
    assert frames.read(frame.seal(bytes(frame.MAX_LENGTH), SEED), 0, SEED).body is None


# --- what visitors send


@pytest.mark.parametrize("text", ["x", "é", "語", "😀", "\ufffd", "a\u0308"])
@pytest.mark.parametrize("length", [512, 10_000])
def test_whatever_a_visitor_sends_makes_a_frame_that_can_be_read(text: str, length: int) -> None:
    """A frame that cannot be read would hide all those behind it."""
    long = text * length
    click = replace(
        FULL,
        code=long,
        variant=long,
        network=bytes(6),
        user_agent=long,
        language=long,
        referrer=long,
        utm=dict.fromkeys(UTM_PARAMETERS, long),
    )
    read = frames.decode(body_of(sealed(click)))
    for value in (read.code, read.variant, read.user_agent, read.language, read.referrer, *read.utm.values()):
        assert value[:512] == long[:512]
    assert (read.time_ms, read.link_id, read.visitor_hash) == (click.time_ms, click.link_id, click.visitor_hash)


def test_a_user_agent_of_the_longest_length_is_kept_whole() -> None:
    agent = (b"\xff" * visitor.MAX_USER_AGENT_BYTES).decode("utf-8", "replace")
    assert frames.decode(body_of(sealed(replace(FULL, user_agent=agent)))).user_agent == agent


def test_a_lone_surrogate_does_not_stop_a_click() -> None:
    click = frames.decode(body_of(sealed(replace(BARE, code="a\ud800b", referrer="https://\udfff"))))
    assert (click.code, click.referrer) == ("a?b", "https://?")


def test_utm_parameters_of_other_names_are_left_out() -> None:
    click = replace(BARE, utm={"utm_source": "mail", "utm_other": "x"})
    assert frames.decode(body_of(sealed(click))).utm == {"utm_source": "mail"}


# --- what was written before an upgrade


@every_click
def test_a_click_of_version_1_is_read_as_one_without_variant_and_domain(click: Click) -> None:
    body, known = frames.encode_without_variant(click), replace(click, variant="", domain="")
    assert frames.decode(body) == known
    # Byte for byte what is packed now, so that whatever remembers parts by their bytes knows them again.
    assert frame.split(body) == frame.split(frame.body_of(frames.encode(known)))


def test_an_orphan_from_before_domains_were_told_is_on_the_default_domain() -> None:
    part = bytes.fromhex("00 0000000000000000 00000000 0200 2f61 0000")  # kind, nothing, path, no variant
    assert frame.unpack_link(part) == frame.LinkPart(None, 0, "/a", "", "")


def test_the_layout_of_version_1_stays_readable() -> None:
    body = bytes.fromhex(
        "01"  # version
        "0807060504030201 04 00"  # time, flags, class
        "01 0900000000000000 05000000 0200 6162"  # kind, link, nonce, code
        "00000000 0000000000000000 0300 010203 0000 0000"  # salt day, hash, network, user agent, language
        "0100 78 0000 0000 0000 0000 0000"  # referrer, utm
    )
    read = frames.decode(body_of(frame.seal_body(body, SEED)))
    assert read == Click(
        time_ms=0x0102030405060708,
        link_id=9,
        nonce=5,
        code="ab",
        network=b"\1\2\3",
        flags=Flag.DO_NOT_TRACK,
        referrer="x",
    )


# --- what cannot be decoded


@pytest.mark.parametrize("version", [0, 3, 255])
def test_another_version_is_a_frame_but_no_click(version: int) -> None:
    body = bytes([version]) + frames.encode(FULL)
    data = len(body).to_bytes(4, "little") + zlib.crc32(body, SEED).to_bytes(4, "little") + body
    assert body_of(data) == body
    with pytest.raises(frame.UnknownVersion, match=str(version)):
        frames.decode(body)


@every_click
def test_a_cut_payload_is_no_click(click: Click) -> None:
    for body in (body_of(sealed(click)), frames.encode_without_variant(click)):
        assert frames.decode(body).time_ms == click.time_ms
        for length in range(len(body)):
            with pytest.raises(ValueError, match="ends early"):
                frames.decode(body[:length])


def test_an_unknown_class_is_no_click() -> None:
    body = bytearray(body_of(sealed(BARE)))
    body[10] = 6
    with pytest.raises(ValueError, match="6"):
        frames.decode(bytes(body))


@slow_law
@given(st.sampled_from([1, 2]), st.binary(max_size=300))
def test_decoding_raises_nothing_but_value_errors(version: int, payload: bytes) -> None:
    try:
        click = frames.decode(bytes([version]) + payload)
    except ValueError:
        return
    assert frames.decode(body_of(sealed(click))) == click
