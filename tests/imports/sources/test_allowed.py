"""Which sources may be named in the admin: what is configured and what lies below, once links are resolved."""

import pytest

from imports.sources import allowed
from imports.sources.captures import CaptureSource
from imports.sources.source import ArchiveError

pytestmark = pytest.mark.no_database


@pytest.fixture(autouse=True)
def roots(settings, tmp_path):
    for name in ("archive", "archive-of-others", "elsewhere"):
        (tmp_path / name).mkdir()
    settings.ARCHIVE_URL = "s3://bucket/prefix"
    settings.ARCHIVE_ROOTS = [str(tmp_path / "archive"), "s3://mirror/"]
    return tmp_path


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("{}/archive", True),
        ("{}/archive/", True),
        ("{}/archive/below/it", True),
        ("captures:{}/archive/a.ndjson", True),
        ("themeparks-history:{}/archive", True),
        ("themeparks-history-delisted:{}/archive", True),
        ("file://{}/archive", True),
        ("{}/elsewhere/../archive", True),
        ("{}/archive-of-others", False),
        ("{}/archive/../elsewhere", False),
        ("{}", False),
        ("/", False),
        ("", False),
        ("captures:", False),
        ("captures:captures:{}/archive", False),
        ("themeparks-history:", True),
        ("themeparks-history-delisted:", True),
        ("themeparks-history:file://{}/archive", False),
        ("s3://bucket/prefix", True),
        ("s3://bucket/prefix/more", True),
        ("s3://bucket", False),
        ("s3://bucket/prefixed", False),
        ("s3://mirror", True),
        ("s3://mirror/any", True),
        ("s3://mirrors", False),
        ("s3:/mirror", False),
        ("https://example.org", False),
    ],
)
def test_what_is_configured_may_be_named_and_what_lies_below(roots, url, may):
    assert allowed.is_allowed(url.format(roots)) is may


def test_a_link_is_what_it_leads_to(roots):
    (roots / "archive" / "out").symlink_to(roots / "elsewhere")
    (roots / "in").symlink_to(roots / "archive")
    (roots / "archive" / "loop").symlink_to(roots / "archive" / "loop")
    assert not allowed.is_allowed(f"{roots}/archive/out")
    assert not allowed.is_allowed(f"{roots}/archive/out/not-there")
    assert allowed.is_allowed(f"{roots}/in")
    assert allowed.is_allowed(f"{roots}/archive/loop"), "it leads nowhere else"


def test_without_a_setting_the_projects_own_folders_may_be_named_and_its_secrets_not(settings):
    settings.ARCHIVE_ROOTS = []
    assert allowed.is_allowed(str(settings.BASE_DIR / "var" / "sample-archive"))
    assert allowed.is_allowed(f"themeparks-history:{settings.HISTORY_DIR}")
    for name in (".env", "var", "var/secret_key", "var/mariadb"):
        assert not allowed.is_allowed(str(settings.BASE_DIR / name))


def test_a_pipe_is_no_source_that_anybody_waits_for(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArchiveError, match="neither a file nor a folder"):
        CaptureSource(tmp_path / "pipe").list_destinations()
