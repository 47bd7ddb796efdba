"""The first of AUTHENTICATION_BACKENDS: refuses who is locked out before any password is looked at."""

from axes.backends import AxesStandaloneBackend


class Gate(AxesStandaloneBackend):
    """django-axes', which raises where there is no request. Without one it is code of this process that asks, a test's
    `client.login()` or a command, and nobody who could be counted."""

    def authenticate(self, request, username=None, password=None, **kwargs):
        return super().authenticate(request, username, password, **kwargs) if request is not None else None
