"""The ASGI application, for hosts that prefer an ASGI server."""

import os

from config.starting import begin

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def _application():
    from django.core.asgi import get_asgi_application

    return get_asgi_application()


application = begin(_application)
