"""What the admin shows of imports; Django looks here, the pages stand in the modules named."""

from imports import admin_coverage, admin_imports, admin_live, admin_workers  # noqa: F401
