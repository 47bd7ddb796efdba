"""System checks of how the site is reached and who may read its secrets. docs/operations.md has the settings for it."""

import stat
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security, deploy=True)
def check_transport(app_configs, **kwargs) -> list[CheckMessage]:
    """W401, of `check --deploy`: passwords and sessions may go over the network as plain text."""
    if settings.PRIVATE_DATABASE or settings.DEBUG or settings.BEHIND_TLS_PROXY:
        return []
    return [
        Warning(
            "BEHIND_TLS_PROXY is not set: nothing sends browsers to HTTPS, and all sign-ins seem to come from one "
            "address where a proxy stands in front.",
            hint="Let a proxy end TLS, set X-Forwarded-Proto and append to X-Forwarded-For, and set BEHIND_TLS_PROXY. "
            "See docs/operations.md, In production.",
            id="desk.W401",
        )
    ]


@register(Tags.security)
def check_secret_files(app_configs, **kwargs) -> list[CheckMessage]:
    """W402: everybody on this machine may read what holds passwords and keys."""
    return [
        Warning(f"{path} can be read by everybody on this machine.", hint=f"chmod 600 {path}", id="desk.W402")
        for path in _secret_files()
        if _others_may_read(path)
    ]


def _secret_files() -> list[Path]:
    return [settings.ENV_FILE, settings.PRIVATE_SECRET_KEY_FILE, settings.PRIVATE_DATABASE_URL_FILE]


def _others_may_read(path: Path) -> bool:
    """Also through its folder: var/mariadb is closed to them."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH) and bool(path.parent.stat().st_mode & stat.S_IXOTH)
    except OSError:
        return False
