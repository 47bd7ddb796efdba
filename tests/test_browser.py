"""The ground the browser tests stand on: Chromium starts, and the admin knows who it is."""

import pytest


@pytest.mark.browser
def test_the_admin_greets_the_operator_in_a_real_browser(logged_in_page):
    assert logged_in_page.url.endswith("/admin/")
    assert "operator" in logged_in_page.locator("#user-tools").inner_text().lower()
