"""The WSGI application that gunicorn serves (bin/serve)."""

import os

from config.starting import begin

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def _application():
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


application = begin(_application)
