"""From the bytes of a day file to observations and issues. Nothing here touches the database."""
