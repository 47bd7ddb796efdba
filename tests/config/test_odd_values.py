"""A sample of what SQL may write where no form of ours would: no page is a 500 for it. The whole: trial_attack.py."""

import random

import pytest

from tests.config.test_attack import SEED, site  # noqa: F401 (a fixture)
from tests.odd_values import look_at, odds

pytestmark = pytest.mark.django_db
SAMPLED = 12


def test_a_sample_of_odd_values_breaks_no_page(site):  # noqa: F811
    found = list(odds())
    looked = [look_at(site.boss, odd) for odd in random.Random(SEED).sample(found, SAMPLED)]
    troubles = [trouble for each in looked for trouble in each.troubles]
    assert not troubles, "\n".join(troubles)
    assert sum(each.requests > 0 for each in looked) > SAMPLED / 2  # the server takes most of them
