"""Lists are read to their end, and only by cursor."""

from __future__ import annotations

import pytest

from integrations.meta_ads import paging
from integrations.meta_ads.errors import ErrorKind, MetaError, Unreadable
from tests.integrations.meta_ads.conftest import ACT, BASE, TOKEN, failing

URL = f"{BASE}/{ACT}/campaigns"
HEAVY = {"error": {"code": 1, "message": "Please reduce the amount of data you're asking for"}}


def page(*items, after=None):
    if after is None:
        return {"data": list(items), "paging": {"cursors": {"after": "end"}}}
    address = f"https://elsewhere.example/v26.0/x?access_token=EAAStolen&after={after}"
    return {"data": list(items), "paging": {"cursors": {"after": after}, "next": address}}


def read(transport, **options):
    return list(paging.pages(transport, f"{ACT}/campaigns", {"fields": "id"}, TOKEN, **options))


def asked(graph, name):
    return [call.request.params.get(name) for call in graph.calls]


def test_list_ends_only_when_next_is_absent(transport, graph):
    for answer in (page(1, 2, after="a"), page(after="b"), page(3)):
        graph.get(URL, json=answer)
    assert read(transport) == [([1, 2], "a"), ([], "b"), ([3], "")]
    assert asked(graph, "after") == [None, "a", "b"]
    assert {call.request.url.split("/v26.0")[0] for call in graph.calls} == {
        "https://graph.example.com"
    }


def test_list_without_paging_is_one_page(transport, graph):
    graph.get(URL, json={"data": [1]})
    assert read(transport) == [([1], "")]


@pytest.mark.parametrize(
    "answers",
    [
        [page(after="a"), page(after="a")],
        [page(after="a"), page(after="b"), page(after="a")],
    ],
)
def test_cursor_that_comes_back_is_unreadable(transport, graph, answers):
    for answer in [*answers, page(3)]:
        graph.get(URL, json=answer)
    graph.assert_all_requests_are_fired = False
    with pytest.raises(Unreadable):
        read(transport)
    assert len(graph.calls) == len(answers)


def test_ever_new_cursors_come_to_an_end(transport, graph, monkeypatch):
    monkeypatch.setattr(paging, "MOST_PAGES", 3)
    for number in range(8):
        graph.get(URL, json=page(after=f"c{number}"))
    graph.get(URL, json=page())
    graph.assert_all_requests_are_fired = False
    with pytest.raises(Unreadable):
        read(transport)
    assert len(graph.calls) == 4


@pytest.mark.parametrize(
    "paging_part",
    [
        {"next": "x"},
        {"next": "x", "cursors": {}},
        {"next": "x", "cursors": {"after": ""}},
        {"next": "x", "cursors": {"after": 7}},
        {"next": "x", "cursors": ["after"]},
        "x",
    ],
)
def test_next_without_a_cursor_is_unreadable_rather_than_the_end(transport, graph, paging_part):
    graph.get(URL, json={"data": [], "paging": paging_part})
    with pytest.raises(Unreadable):
        read(transport)


def test_heavy_page_is_asked_for_again_in_half_the_size_with_the_same_cursor(transport, graph):
    graph.get(URL, json=page(1, after="a"))
    graph.get(URL, status=500, json=HEAVY)
    graph.get(URL, status=400, json=failing(100, 1487534))
    graph.get(URL, json=page(2, after="b"))
    graph.get(URL, json=page(3))
    assert [items for items, _ in read(transport, limit=500)] == [[1], [2], [3]]
    assert asked(graph, "limit") == ["500", "500", "250", "125", "125"]
    assert asked(graph, "after") == [None, "a", "a", "a", "b"]


def test_heavy_page_is_given_up_at_25(transport, graph, clock):
    graph.get(URL, status=500, json=HEAVY)
    with pytest.raises(MetaError) as failed:
        read(transport, limit=60)
    assert failed.value.kind == ErrorKind.TOO_MUCH_DATA
    assert asked(graph, "limit") == ["60", "30", "25"]
    assert clock.waits == []


def test_body_over_the_cap_counts_as_a_heavy_page(transport, graph):
    graph.get(URL, body=b'{"data": [' + b" " * (6 * 1024 * 1024) + b"]}")
    graph.get(URL, json=page(1))
    assert read(transport) == [([1], "")]
    assert asked(graph, "limit") == ["100", "50"]
