"""Telling operators who do not look: by mail and webhook, when attention begins and ends, and once a day."""
