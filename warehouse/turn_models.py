"""Who is at what, on a Galera cluster, where a server's locks do not reach the other nodes: tables of the warehouse.
Part of warehouse.models for whoever looks for a table. Written by warehouse.server alone; empty on a single server.
"""

from django.db import models


class Turn(models.Model):
    """What one transaction at a time may be at, `park 12`: written by each (warehouse.server.turns)."""

    turn = models.CharField(max_length=40, primary_key=True)
    number = models.BigIntegerField(help_text="raised by each: an UPDATE that changes nothing is not replicated")

    class Meta:
        db_table = "turns"

    def __str__(self) -> str:
        return self.turn


class HeldLock(models.Model):
    """What one session at a time may be at, over many transactions (warehouse.server.named_lock)."""

    name = models.CharField(max_length=64, primary_key=True)
    holder = models.CharField(max_length=64, help_text="an id of this one holding")
    seen_at = models.DateTimeField(help_text="the holder's last sign of life, by the clock of its node")

    class Meta:
        db_table = "held_locks"

    def __str__(self) -> str:
        return f"{self.name}, held by {self.holder}"
