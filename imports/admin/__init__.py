"""What the admin shows of imports; Django looks here, the pages stand in the modules named."""

from imports.admin import (  # noqa: F401
    coverage_page,
    import_pages,
    job_pages,
    live_pages,
    park_sections,
    pause_page,
    people_pages,
    worker_pages,
)
