"""What every page must be: readable by everybody, in both themes, and never wider than it is."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

COLOURS = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
"""All that another theme can change."""


def sound(page: Page, where: str) -> None:
    """Assert that axe finds nothing in either theme and that nothing scrolls sideways."""
    page.emulate_media(color_scheme="light")
    light = Axe().run(page)
    assert light.violations_count == 0, f"{where}: {light.generate_report()}"
    page.emulate_media(color_scheme="dark")
    dark = Axe().run(page, options=COLOURS)
    assert dark.violations_count == 0, f"{where}, dark: {dark.generate_report()}"
    page.emulate_media(color_scheme="light")
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{where} scrolls sideways by {wide}"
