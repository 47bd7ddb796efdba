"""What the admin shows of imports; Django looks here, the pages stand in the modules named."""

from imports.admin import coverage_page, import_pages, live_pages, park_sections, worker_pages  # noqa: F401
