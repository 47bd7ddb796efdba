"""The table of checks that are owed: written and paid by quality.owed_checks alone."""

from django.db import models
from django.db.models.functions import Now

from warehouse.models import Park


class OwedCheck(models.Model):
    """Days of a park that came in and no check has seen yet."""

    owed_id = models.BigAutoField(primary_key=True)
    # No constraint: it would lock the park in the transaction that ends an import, while others hold it and want that
    # import's row. Parks are never deleted.
    park = models.ForeignKey(Park, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    first_day = models.DateField()
    last_day = models.DateField(help_text="included")
    owed_since = models.DateTimeField(db_default=Now())
    cause = models.CharField(max_length=20, help_text="the import that brought the days in")

    class Meta:
        db_table = "quality_checks_owed"
        verbose_name = "owed check"
        ordering = ["owed_id"]
        indexes = [models.Index(fields=["cause"], name="idx_owed_cause")]

    def __str__(self) -> str:
        return f"check of {self.park}, {self.first_day} to {self.last_day}, for {self.cause}"
