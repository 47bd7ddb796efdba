"""Talking to MySQL and MariaDB: nobody outside this room knows in what the two differ."""
