"""What the admin shows of the warehouse; Django looks here, the pages stand in the modules named."""

from warehouse.admin import catalogue_pages, fact_pages, hours_pages, storage_pages  # noqa: F401
