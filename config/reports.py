"""What Django's page of an error shows where DEBUG is on: settings, but for secrets."""

import re

from django.views.debug import SafeExceptionReporterFilter


class SecretsLeftOut(SafeExceptionReporterFilter):
    """Beside what Django leaves out: an address that is a secret."""

    hidden_settings = re.compile(f"{SafeExceptionReporterFilter.hidden_settings.pattern}|WEBHOOK", flags=re.IGNORECASE)
