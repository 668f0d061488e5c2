"""The instructions of an invoice over the API verify by the published keys, as a page's do."""

from docs.verify_instruction import verify
from gateway import db
from tests import asking
from tests.api.conftest import Make

OTHER = "0x" + "0" * 40


def test_every_instruction_of_an_invoice_verifies_with_the_published_keys(
    open_account: Make,
) -> None:
    with db.transaction() as session:
        asking.add_chain(session)
    shop = open_account("falafel-corner", kind="merchant")
    made = shop.post("/v1/invoices", {"amount": "12.50", "currency": "USD"}).json()
    keys = shop.http.get("/.well-known/mizan-keys.json").json()
    found = shop.get(f"/v1/invoices/{made['id']}").json()
    places = {(one["asset"], one["chain"]): one["address"] for one in made["payment_options"]}
    assert len(found["instructions"]) == len(places) >= 2
    for one in found["instructions"]:
        told = one["payload"]
        place = places[told["asset"], told["chain"]]
        assert told["invoice"] == made["id"]
        assert verify(keys, one, place) is None
        assert verify(keys, one, OTHER) is not None
        dearer = {**one, "payload": {**told, "amount": "1"}}
        assert verify(keys, dearer, place) is not None
