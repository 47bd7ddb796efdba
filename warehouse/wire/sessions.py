"""Sessions of requests that keep to the bounds of warehouse.wire.bounds."""

from typing import Any

import requests
from requests.adapters import HTTPAdapter

from warehouse.wire.sockets import bound


class BoundAdapter(HTTPAdapter):
    """Sends over connections that keep to the bounds in which they are used."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """See HTTPAdapter."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = bound(self.poolmanager.pool_classes_by_scheme)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """See HTTPAdapter."""
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        manager.pool_classes_by_scheme = bound(manager.pool_classes_by_scheme)
        return manager


class BoundSession(requests.Session):
    """Follows no redirect: who asks looks at `redirect_of`. Told not to, requests still reads the whole body of one,
    and unpacks it."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """See requests.Session: none."""
        return None


def redirect_of(response: requests.Response) -> str | None:
    """Where a response leads; None: it is no redirect."""
    if not response.is_redirect:
        return None
    return str(response.headers["location"]).encode("latin-1", "replace").decode("utf-8", "replace")


def bound_session(adapter: HTTPAdapter | None = None) -> BoundSession:
    """A session all of whose requests go through `adapter`, a BoundAdapter."""
    session = BoundSession()
    mounted = adapter or BoundAdapter()
    session.mount("http://", mounted)
    session.mount("https://", mounted)
    return session
