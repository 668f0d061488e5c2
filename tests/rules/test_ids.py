"""Ids name their noun and sort by time."""

import time

from gateway.ids import ALPHABET, new_id


def test_ids_sort_by_the_time_they_were_made() -> None:
    ids = []
    for _ in range(5):
        ids.append(new_id("dep"))
        time.sleep(0.002)
    assert ids == sorted(ids)
    assert len(set(ids)) == 5


def test_an_id_is_a_prefix_and_26_letters() -> None:
    prefix, _, body = new_id("acct").partition("_")
    assert prefix == "acct"
    assert len(body) == 26
    assert set(body) <= set(ALPHABET)
