"""A URL of a database is read as libpq reads it, and shows nothing of what is secret."""

from __future__ import annotations

import copy
import json
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from engine.model.place import EXAMPLE, Url

CANARY = "c4n4ry"


@pytest.mark.parametrize(
    ("written", "shown", "name"),
    [
        ("postgresql://allegra:x@db1/allegra", "postgresql://allegra@db1/allegra", "allegra at db1"),
        ("postgres://db1:5433/a", "postgresql://db1:5433/a", "a at db1:5433"),
        ("postgresql://u@db1:1,db2/a", "postgresql://u@db1:1,db2/a", "a at db1:1,db2"),
        ("postgresql://[::1]:5433/a%20b", "postgresql://[::1]:5433/a%20b", "a b at [::1]:5433"),
        ("postgresql:///a", "postgresql:///a", "a"),
        ("postgresql:///?dbname=a&user=u&host=db1&port=5433", "postgresql://u@db1:5433/a", "a at db1:5433"),
        ("postgresql:///a?host=/run/pg", "postgresql://%2Frun%2Fpg/a", "a at /run/pg"),
    ],
)
def test_a_url_is_shown_by_user_host_and_database(written: str, shown: str, name: str) -> None:
    url = Url(written)
    assert (str(url), url.name, url.secret) == (shown, name, written)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("mysql://u:c4n4ry@h/d", "does not begin with  postgresql://"),
        ("host=h password=c4n4ry", "does not begin with  postgresql://"),
        ("postgresql://u:c4n4ry@h", "names no database"),
        ("postgresql://u:c4n4ry@h/", "names no database"),
        ("postgresql://u:c4n4ry@h/?sslmode=require", "names no database"),
        ("postgresql://u:c4n4ry x@h/d", "blank or a control character"),
        ("postgresql://u:c4n4ry\0@h/d", "blank or a control character"),
        ("postgresql://u:c4n4ry%00@h/d", "control character or what is no UTF-8"),
        ("postgresql://u:c4n4ry%zz@h/d", "% in it stands for no character"),
        ("postgresql://u:c4n@4ry@h/d", "separates nothing"),
        ("postgresql://u:12/c4n4ry@h/d", "separates nothing"),
        ("postgresql://u:1/2?c4n4ry=d@h/d", "separates nothing"),
        ("postgresql://u:c4n4ry%ff@h/d", "what is no UTF-8"),
        ("postgresql://u@h/d?c4n4ry", "no list of  name=value"),
        ("postgresql://c4n4ry:c4n4ry/d", "port is no number"),
        ("postgresql://h:65536/d", "port is no number"),
    ],
)
def test_a_url_that_is_none_is_told_without_repeating_it(written: str, said: str) -> None:
    with pytest.raises(ValueError) as error:
        Url(written)
    assert said in str(error.value) and CANARY not in str(error.value)
    assert error.value.__cause__ is None and error.value.__context__ is None


def test_nothing_that_prints_or_writes_data_shows_a_password() -> None:
    url = Url(f"postgresql://u:{CANARY}@h/d?sslpassword={CANARY}")
    assert CANARY not in f"{url} {url!r} {url.name} {[url]} {(url,)}"
    for encode in (msgspec.json.encode, json.dumps):
        with pytest.raises(TypeError):
            encode(url)


def test_passwords_are_known_in_the_shapes_they_may_be_printed_in() -> None:
    url = Url("postgresql://u:a%2Fb@h/d?sslpassword=second&password=third")
    assert {"a%2Fb", "a/b", "second", "third"} <= set(url.parts)


def test_a_url_does_not_change_and_its_copies_are_equal() -> None:
    url = Url("postgresql://u:p@h/d")
    with pytest.raises(AttributeError):
        url.secret = "x"
    assert copy.deepcopy(url) == url and hash(url) == hash(Url("postgresql://u:p@h/d"))
    assert url != Url("postgresql://u:other@h/d")
    assert str(Url(EXAMPLE)) == "postgresql://user@host/database"


@given(
    st.text(alphabet=st.sampled_from("au:/@?#%&=+[]., \0é1"), max_size=16),
    st.sampled_from(("", "/d", "/?dbname=d", "/d?host=h", "/d?password=p%40&user=u")),
)
def test_what_is_taken_for_a_url_is_one_for_the_driver_too_and_means_the_same(text: str, end: str) -> None:
    """A law; the driver is the judge, and says by itself that it does not know a parameter."""
    try:
        url = Url(f"postgresql://{text}{end}")
    except ValueError as error:
        assert str(error).startswith(("it ", "a % ", "there is ", "its ", "what stands "))
        return
    assert str(Url(str(url))) == str(url)
    try:
        read = conninfo_to_dict(url.secret)
    except ProgrammingError as error:
        assert "invalid URI query parameter" in str(error)
    else:
        assert str(url).endswith(f"/{quote(str(read['dbname']), safe='')}")
        assert read.get("password", "") in ("", *url.parts)
