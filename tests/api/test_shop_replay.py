"""A replay of more events than one call looks at, from the merchant's console."""

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from gateway import db
from gateway.webhooks import again
from tests.api.page_world import build


def test_a_long_replay_goes_on_where_it_ended(
    http: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = build(http)
    monkeypatch.setattr(again, "EVENTS_AT_ONCE_MAX", 1)
    with db.transaction() as session:
        session.execute(text("update delivery set status = 'delivered'"))
        first, second = session.scalars(text("select id from event order by id limit 2"))
    place = f"/shop/new/replay?of={pages.endpoint}&from_event={first}&include_delivered=on"
    for event in (first, second):
        form = pages.shop.get(place).text
        assert f'value="{event}"' in form
        assert ' value="on" checked' in form
        once = form.partition('name="once" value="')[2].partition('"')[0]
        told = {"form": pages.shop_form, "once": once, "from_event": event}
        page = pages.shop.post(place, data={**told, "include_delivered": "on"}).text
        assert "<bdi>1</bdi>" in page
        with db.transaction() as session:
            query = text("select event_id from delivery where status = 'pending'")
            assert event in session.scalars(query).all()
        found = re.search(r'id="replay" href="([^"]+)"', page)
        assert found is not None
        place = unescape(found[1])
