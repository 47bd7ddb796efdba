"""What the admin shows of findings; Django looks here, the pages stand in the modules named."""

from quality.admin import finding_pages, park_sections  # noqa: F401
