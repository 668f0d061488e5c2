"""The README's pictures, taken by a real browser from the running system: `make pictures`."""

import shutil
from html import escape
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
from playwright.sync_api import Browser, sync_playwright

from bench.whole import everything
from gateway.local.story.chapters import tell
from gateway.local.story.client import Chain, until

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
PHONE = {"width": 420, "height": 400}
REPORT_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 24px; color: #16211c; background: #fff }
h1 { font-size: 20px } table { border-collapse: collapse; width: 100% }
th, td { padding: 6px 10px; border-bottom: 1px solid #dde5e1; text-align: end; white-space: nowrap }
th { color: #4a5b53; font-weight: 600 } th:first-child, td:first-child { text-align: start }
tfoot td { font-weight: 700; border-top: 2px solid #16211c }
"""
COLUMNS = ("type", "invoice", "asset", "gross", "fee", "net", "block_number", "balance_after")


def main() -> None:
    """Tell the story, then take the pictures of what it left."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with everything() as (_, facts):
        tell(facts)
        order = {"amount": "12.50", "currency": "USD", "title": "Order 1043"}
        invoice, paid = (post(facts, "/v1/invoices", order) for _ in range(2))
        sold(facts, paid["id"])
        link = post(facts, "/v1/payment_links", {"title": "Tea for the house", "max_amount": "50"})
        with sync_playwright() as playwright:
            found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
            browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
            page_picture(browser, f"{invoice['url']}?lang=en", "light", "page-en.png")
            page_picture(browser, f"{invoice['url']}?lang=ar", "dark", "page-ar.png")
            page_picture(browser, f"{link['url']}?lang=en", "light", "link-en.png")
            page_picture(browser, f"{link['url']}?lang=ar", "dark", "link-ar.png")
            page_picture(browser, f"{paid['url']}/receipt?lang=en", "light", "receipt-en.png")
            page_picture(browser, f"{paid['url']}/receipt?lang=ar", "light", "receipt-ar.png")
            report_picture(browser, facts)
            hold_some(facts)
            console_picture(browser, facts, "en", "light")
            console_picture(browser, facts, "ar", "dark")
            shop_picture(browser, facts, "en", "light", "invoices")
            shop_picture(browser, facts, "ar", "dark", "payments")
            browser.close()


def page_picture(browser: Browser, url: str, scheme: Any, name: str) -> None:
    """Take the payer's page as a phone shows it."""
    page = browser.new_page(viewport=PHONE, color_scheme=scheme, device_scale_factor=2)  # type: ignore[arg-type]
    page.goto(url)
    page.screenshot(path=FOLDER / name, full_page=True)
    page.close()


def sold(facts: dict[str, Any], invoice: str) -> None:
    """Have the sandbox pay an invoice, and wait until that is final."""
    post(facts, f"/v1/sandbox/invoices/{invoice}/simulate", {"what": "pay"})
    headers = {"authorization": f"Bearer {facts['merchant_key']}"}
    url = f"{facts['base_url']}/v1/invoices/{invoice}"
    until("a sale", lambda: httpx2.get(url, headers=headers).json()["status"] == "paid")


def hold_some(facts: dict[str, Any]) -> None:
    """Have withdrawals held, and an asset stopped, for the operators' page to show."""
    key = "operator_key"
    merchant = facts["merchant_account"]
    address = post(facts, f"/v1/accounts/{merchant}/addresses", {"chain": facts["chain"]}, key)
    Chain(facts).send_usdc(address["address"], 9_000_000_000)
    until("a credit", lambda: float(available(facts)) > 9_000)
    for amount in ("1250.00", "4800.00"):
        body = {"account": merchant, "asset": "USDC", "chain": facts["chain"], "amount": amount}
        place = {"to_address": "0x000000000000000000000000000000000000beef"}
        post(facts, "/v1/withdrawals", body | place, key)
    reason = {"scope": "asset", "subject": "ETH", "reason": "hot vault is being refilled"}
    post(facts, "/v1/pauses", reason, key)


def available(facts: dict[str, Any]) -> str:
    """Return the merchant's USDC."""
    headers = {"authorization": f"Bearer {facts['merchant_key']}"}
    url = f"{facts['base_url']}/v1/accounts/{facts['merchant_account']}/balances"
    found = httpx2.get(url, headers=headers, timeout=30).raise_for_status().json()["data"]
    return next((str(row["available"]) for row in found if row["asset"] == "USDC"), "0")


def console_picture(browser: Browser, facts: dict[str, Any], lang: str, scheme: Any) -> None:
    """Take the operators' page as the approver sees it."""
    page = browser.new_page(
        viewport={"width": 860, "height": 400}, color_scheme=scheme, device_scale_factor=1.5
    )
    page.goto(f"{facts['base_url']}/console?lang={lang}")
    page.fill("#key", facts["approver_key"])
    page.click("#sign-in button")
    page.screenshot(path=FOLDER / f"console-{lang}.png", full_page=True)
    page.close()


def shop_picture(
    browser: Browser, facts: dict[str, Any], lang: str, scheme: Any, listing: str
) -> None:
    """Take a list of the merchant's console."""
    page = browser.new_page(
        viewport={"width": 1060, "height": 400}, color_scheme=scheme, device_scale_factor=1.5
    )
    page.goto(f"{facts['base_url']}/shop?lang={lang}")
    page.fill("#key", facts["merchant_key"])
    page.click("#sign-in button")
    page.goto(f"{facts['base_url']}/shop/{listing}")
    page.screenshot(path=FOLDER / f"shop-{lang}.png", full_page=True)
    page.close()


def report_picture(browser: Browser, facts: dict[str, Any]) -> None:
    """Take the merchant's settlement report of the story, with its totals: one account's balance
    runs down its rows.
    """
    headers = {"authorization": f"Bearer {facts['merchant_key']}"}
    query = {"from": "2000-01-01", "to": "2100-01-01"}
    answer = httpx2.get(
        f"{facts['base_url']}/v1/reports/settlement", params=query, headers=headers, timeout=30
    )
    report = answer.raise_for_status().json()
    page = browser.new_page(viewport={"width": 1060, "height": 200}, device_scale_factor=2)
    page.set_content(report_html(report))
    page.screenshot(path=FOLDER / "report.png", full_page=True)
    page.close()


def report_html(report: dict[str, Any]) -> str:
    """Write a report as a table."""
    head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in COLUMNS)
    body = "".join(line([row[name] for name in COLUMNS]) for row in report["data"])
    foot = "".join(
        line(["total", "", row["asset"], row["gross"], row["fee"], row["net"], "", ""])
        for row in report["totals"]
    )
    return (
        f"<!doctype html><style>{REPORT_STYLE}</style><h1>GET /v1/reports/settlement</h1>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody><tfoot>{foot}</tfoot></table>"
    )


def line(cells: list[Any]) -> str:
    """Write one row."""
    written = (escape("" if cell is None else str(cell)) for cell in cells)
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in written) + "</tr>"


def post(facts: dict[str, Any], path: str, body: dict[str, Any], key: str = "merchant_key") -> Any:
    """POST as the merchant, or with another key of dev.json."""
    headers = {"authorization": f"Bearer {facts[key]}", "idempotency-key": str(uuid4())}
    answer = httpx2.post(facts["base_url"] + path, json=body, headers=headers, timeout=30)
    return answer.raise_for_status().json()


if __name__ == "__main__":
    main()
