"""Which parks the files of a destination may hold, and which destinations' files may hold a park.

A destination is whose files they are, and the catalogue only one witness: it may be wrong, and it knows where a park is
today, not where it was. The other witness is the ledger: in which destinations' files a park was heard.
"""

from django.db.models import Q

from imports.archive.day_file_model import FileOutcome, ImportedFile
from warehouse.models import Park
from warehouse.server.away import patient


@patient
def parks_of(destination: str) -> list[Park]:
    """The parks of a destination: by the catalogue, or because its files held events of them."""
    heard = ImportedFile.objects.filter(destination_wiki_id=destination, outcome=FileOutcome.IMPORTED)
    return list(
        Park.objects.filter(Q(destination_wiki_id=destination) | Q(pk__in=heard.values("park"))).order_by("park_id")
    )


@patient
def destinations_of(park: Park) -> list[str]:
    """The destinations in whose files the park may be: that of the catalogue first, then those it was heard in."""
    heard = (
        ImportedFile.objects.filter(park=park, outcome=FileOutcome.IMPORTED)
        .order_by("destination_wiki_id")
        .values_list("destination_wiki_id", flat=True)
        .distinct()
    )
    return list(dict.fromkeys(filter(None, [park.destination_wiki_id, *heard])))
