"""Placeholders: what a person writes, what is stored, and that the one can be had back from the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener import errors
from shortener.domain import placeholder
from shortener.domain import target as targets
from shortener.domain.destination import compile_destination
from shortener.domain.query import Query
from shortener.domain.target import TargetPolicy
from tests.unit.laws import law

POLICY = TargetPolicy(extra_schemes=frozenset({"mailto", "myapp"}))
E = "https://e.example"


def location(stored: str) -> str:
    """Where a visit of `sale` with `/way?id=7` is sent."""
    return compile_destination(stored, forward_query=False, forward_path=False).to("sale", "way", Query("id=7"))


#: By name: a target as written, its stored form, and the Location of a visit.
WRITTEN = {
    "none": (f"{E}/a?b#c", f"{E}/a?b#c", f"{E}/a?b#c"),
    "in-each-part": (
        f"{E}/{{code}}?{{code}}#{{code}}",
        f"{E}/%7Bcode%7D?{{code}}#{{code}}",
        f"{E}/sale?sale#sale",
    ),
    "each-kind": (
        f"{E}/{{path}}/{{query.id}}?c={{code}}",
        f"{E}/%7Bpath%7D/%7Bquery.id%7D?c={{code}}",
        f"{E}/way/7?c=sale",
    ),
    "text-in-each-part": (
        f"{E}/{{{{code}}}}?{{{{code}}}}#{{{{code}}}}",
        f"{E}/\\%7Bcode%7D?\\{{code}}#\\{{code}}",
        f"{E}/%7Bcode%7D?{{code}}#{{code}}",
    ),
    "text-of-each-kind": (
        f"{E}/{{{{path}}}}/{{{{query.id}}}}?{{{{query.id}}}}",
        f"{E}/\\%7Bpath%7D/\\%7Bquery.id%7D?\\{{query.id}}",
        f"{E}/%7Bpath%7D/%7Bquery.id%7D?{{query.id}}",
    ),
    "text-that-is-percent-encoded": (
        f"{E}/%7Bcode%7D?%7bcode%7d#%7Bcode%7D",
        f"{E}/\\%7Bcode%7D?\\%7bcode%7d#\\%7Bcode%7D",
        f"{E}/%7Bcode%7D?%7bcode%7d#%7Bcode%7D",
    ),
    "text-with-one-brace-encoded": (
        f"{E}/{{code%7D?%7Bcode}}",
        f"{E}/\\%7Bcode%7D?\\%7Bcode}}",
        f"{E}/%7Bcode%7D?%7Bcode}}",
    ),
    "text-beside-a-placeholder": (
        f"{E}/{{{{code}}}}/{{code}}/%7Bcode%7D",
        f"{E}/\\%7Bcode%7D/%7Bcode%7D/\\%7Bcode%7D",
        f"{E}/%7Bcode%7D/sale/%7Bcode%7D",
    ),
    "three-braces": (f"{E}/?{{{{{{code}}}}}}", f"{E}/?{{\\{{code}}}}", f"{E}/?{{{{code}}}}"),
    "four-braces": (f"{E}/?{{{{{{{{code}}}}}}}}", f"{E}/?{{{{\\{{code}}}}}}", f"{E}/?{{{{{{code}}}}}}"),
    "placeholder-behind-a-brace": (f"{E}/?{{{{code}}", f"{E}/?{{{{code}}", f"{E}/?{{sale"),
    "placeholder-within-encoded-braces": (f"{E}/%7B{{code}}%7D", f"{E}/%7B%7Bcode%7D%7D", f"{E}/%7Bsale%7D"),
    "doubled-braces-around-other-names": (f"{E}/?{{{{user}}}}", f"{E}/?{{{{user}}}}", f"{E}/?{{{{user}}}}"),
    "name-in-another-script": (
        f"{E}/?{{query.größe}}",
        f"{E}/?{{query.gr%C3%B6%C3%9Fe}}",
        f"{E}/?",
    ),
    "text-in-a-segment-that-goes": (f"{E}/{{{{code}}}}/../a", f"{E}/a", f"{E}/a"),
    "letters-like-the-marker": (f"{E}/yzzzy/{{{{code}}}}", f"{E}/yzzzy/\\%7Bcode%7D", f"{E}/yzzzy/%7Bcode%7D"),
    "mail": (
        "mailto:a@b.example?subject={code}&body={{code}}",
        "mailto:a@b.example?subject={code}&body=\\{code}",
        "mailto:a@b.example?subject=sale&body={code}",
    ),
    "text-where-no-placeholder-can-be": (
        "myapp://{{code}}/%7Bcode%7D#{{code}}",
        "myapp://\\{code}/\\%7Bcode%7D#\\{code}",
        "myapp://{code}/%7Bcode%7D#{code}",
    ),
}


@pytest.mark.parametrize(("raw", "stored", "sent"), WRITTEN.values(), ids=list(WRITTEN))
def test_what_is_written_is_found_before_serialising(raw: str, stored: str, sent: str) -> None:
    assert targets.check(raw, POLICY) == stored
    assert location(stored) == sent
    assert targets.check(placeholder.written(stored), POLICY) == stored


#: By name: a stored target of an older version, what a person reads, and the Location of a visit.
OLD = {
    "path": (f"{E}/%7Bcode%7D", f"{E}/{{code}}", f"{E}/sale"),
    "query": (f"{E}/?c=%7Bcode%7D&i=%7bquery.id%7d", f"{E}/?c={{code}}&i={{query.id}}", f"{E}/?c=sale&i=7"),
    "fragment": (f"{E}/#%7Bpath%7D", f"{E}/#{{path}}", f"{E}/#way"),
    "within-braces": (f"{E}/?%7B%7Bcode%7D%7D", f"{E}/?%7B{{code}}%7D", f"{E}/?%7Bsale%7D"),
    "other-names": (f"{E}/?%7Bother%7D%7C%5E", f"{E}/?%7Bother%7D%7C%5E", f"{E}/?%7Bother%7D%7C%5E"),
    "half": (f"{E}/%7Bquery.%7D", f"{E}/%7Bquery.%7D", f"{E}/%7Bquery.%7D"),
}


@pytest.mark.parametrize(("stored", "written", "sent"), OLD.values(), ids=list(OLD))
def test_links_of_older_versions_go_on_working(stored: str, written: str, sent: str) -> None:
    assert location(stored) == sent
    assert placeholder.written(stored) == written
    assert location(targets.check(written, POLICY)) == sent


BAD = {
    "parameter-without-name": (f"{E}/{{query.}}", "{query.id}"),
    "parameter-with-an-ampersand": (f"{E}/?a={{query.a&b}}", "{query.id}"),
    "parameter-with-a-slash": (f"{E}/{{query.a/b}}", "{query.id}"),
    "parameter-not-closed": (f"{E}/?a={{query.a", "{query.id}"),
    "parameter-with-braces": (f"{E}/?a={{query.{{code}}}}", "{query.id}"),
    "in-the-host": ("https://{code}.e.example/", "{code} can only stand behind the host"),
    "for-the-host": ("https://{query.host}/{code}", "{query.host} can only stand behind the host"),
    "in-the-port": (f"{E}:{{code}}/", "{code} can only stand behind the host"),
    "in-the-host-of-an-app": ("myapp://{code}/x", "{code} can only stand behind the question mark"),
    "in-the-path-of-an-app": ("myapp://open/{path}?c={code}", "{path} can only stand behind the question mark"),
    "in-the-fragment-of-an-app": ("myapp://open/#{code}", "{code} can only stand behind the question mark"),
    "for-a-mailbox": ("mailto:{query.to}@b.example", "{query.to} can only stand behind the question mark"),
}


@pytest.mark.parametrize(("raw", "mentioned"), BAD.values(), ids=list(BAD))
def test_placeholders_that_are_refused(raw: str, mentioned: str) -> None:
    with pytest.raises(errors.PlaceholderInvalid) as refusal:
        targets.check(raw, POLICY, name="rules.0.target")
    assert refusal.value.field == "rules.0.target"
    assert mentioned in refusal.value.detail


@pytest.mark.parametrize("raw", ["https://{{code}}/", "https://%7Bcode%7D/", f"{E}:{{{{code}}}}/", "{code}://e/"])
def test_text_that_cannot_be_a_host_is_refused(raw: str) -> None:
    with pytest.raises(errors.Refused) as refusal:
        targets.check(raw, POLICY)
    assert not isinstance(refusal.value, errors.PlaceholderInvalid)


def test_in_a_fixed_target_all_is_text() -> None:
    assert targets.check_fixed(f"{E}/{{code}}?{{{{code}}}}", POLICY) == f"{E}/%7Bcode%7D?{{{{code}}}}"


pieces = st.sampled_from(
    [
        *("{", "}", "{{", "}}", "%7B", "%7D", "%7b", "code", "path", "query.", "query.a", "{code}", "{{code}}"),
        *("%7Bcode%7D", "/", "/../", "?", "#", "é", "%", "z", "yzy", "y", "&", "="),
    ]
)


@law
@given(st.sampled_from([f"{E}/", f"{E}/?", f"{E}/#", "myapp:?"]), st.lists(pieces, max_size=10).map("".join))
def test_what_is_read_means_the_same_when_it_is_sent_back(head: str, tail: str) -> None:
    try:
        stored = targets.check(head + tail, POLICY)
    except errors.Refused:
        return
    assert targets.check(placeholder.written(stored), POLICY) == stored
    if not placeholder.names(stored):
        fixed = targets.check_fixed(head + tail.replace("{{code}}", "{code}"), POLICY)
        assert placeholder.location(stored) == location(stored) == fixed


@law
@given(st.sampled_from([f"{E}/", f"{E}/?", f"{E}/#"]), st.lists(pieces, max_size=10).map("".join))
def test_the_text_of_an_older_target_means_the_same(head: str, tail: str) -> None:
    stored = targets.check_fixed(head + tail, POLICY).replace("{", "%7B").replace("}", "%7D")
    try:
        again = targets.check(placeholder.written(stored), POLICY)
    except errors.PlaceholderInvalid:
        return
    assert location(again).replace("{", "%7B").replace("}", "%7D") == location(stored)
