"""Names of parks and rides, which several sources spell differently."""

import re
import unicodedata


def normalised(name: str) -> str:
    """For comparing names: no case, accents, marks or punctuation, single spaces; "" where nothing is left.

    `  Pirates of the Caribbean®: Épée! ` is `pirates of the caribbean epee`.
    """
    text = unicodedata.normalize("NFKD", re.sub("[™®℠]", "", name))  # before NFKD, which makes of ™ the letters TM
    text = "".join(character for character in text if not unicodedata.combining(character)).casefold()
    return re.sub(r"[\W_]+", " ", text).strip()
