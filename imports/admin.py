"""What the admin shows of imports; Django looks here, the pages stand in the modules named."""

from imports import admin_live  # noqa: F401
