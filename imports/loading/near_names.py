"""Whether two names are one spelled in two ways, or two rides whose names look alike.

All names here are normalised (warehouse.names). A letter or two may differ, but never what tells two rides of a park
apart: a number, a direction or a side, a letter that stands alone (Theater A), and a name of up to four letters is too
short for a difference of two to mean nothing.
"""

import re
from collections import Counter

from rapidfuzz.distance import Levenshtein

NAME_DISTANCE_LIMIT = 3  # Levenshtein
LETTERS_MIN = 5
FIRST_IDEOGRAPH = "\u2e80"  # from here on a sign is a syllable or a word, and two of them are another name

_NUMBERS = {
    word: str(number)
    for words in (
        "one two three four five six seven eight nine ten eleven twelve",
        "first second third fourth fifth sixth seventh eighth ninth tenth",
        "i ii iii iv v vi vii viii ix x xi xii",
        "eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf",
        "un deux trois quatre cinq six sept huit neuf dix onze douze",
        "uno dos tres cuatro cinco seis siete ocho nueve diez once doce",
    )
    for number, word in enumerate(words.split(), start=1)
}
_SIDES = {
    word
    for words in (
        "north south east west northern southern eastern western northeast northwest southeast southwest",
        "left right upper lower up down top bottom inner outer inside outside front back rear inbound outbound",
        "nord sud ost ouest est norte sur este oeste links rechts gauche droite izquierda derecha",
        "oben unten haut bas arriba abajo",
        "red blue green yellow black white",  # two tracks of one coaster, as sides are
    )
    for word in words.split()
}


def are_near(one: str, other: str) -> bool:
    """Whether two names that are not equal may be of one ride; the same whichever comes first."""
    if any(_letters(name) < LETTERS_MIN or max(name) >= FIRST_IDEOGRAPH for name in (one, other)):
        return False
    if _marks(one) != _marks(other):
        return False
    return Levenshtein.distance(one, other, score_cutoff=NAME_DISTANCE_LIMIT - 1) < NAME_DISTANCE_LIMIT


def _letters(name: str) -> int:
    return len(name.replace(" ", ""))


def _marks(name: str) -> Counter[str]:
    """What tells a ride from its neighbour: 2, ii and two are the same number."""
    marks: Counter[str] = Counter()
    for word in name.split():
        marks.update(str(int(digits)) for digits in re.findall(r"[0-9]+", word))
        if word in _NUMBERS:
            marks[_NUMBERS[word]] += 1
        elif word in _SIDES or (len(word) == 1 and not word.isdecimal()):
            marks[word] += 1
    return marks
