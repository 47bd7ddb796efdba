"""What the admin shows of the warehouse; Django looks here, the pages stand in the modules named."""

from warehouse import admin_catalogue, admin_facts, admin_storage  # noqa: F401
