"""The ids of sample archives, which no API knows."""


def is_made_up(wiki_id: str) -> bool:
    """Whether a UUID is of a sample archive: version 5, by its 15th character, where all real ones have version 4."""
    return wiki_id[14:15] == "5"
