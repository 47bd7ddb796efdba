"""What an observation or a stored row says, without of what and when, and whether two of them can both be so."""

from imports.events.load_format import NULL, QUEUE_COLUMNS
from imports.events.validation import Observation

#: the state and the further queues, as rows: two observations with equal content say the same
Content = tuple[str, tuple[str, ...]]

_END = QUEUE_COLUMNS.index("return_time_end")


def content_of(observation: Observation) -> Content:
    """What an observation says."""
    return observation.state, observation.queues


def says_the_same(one: Content, other: Content) -> bool:
    """Whether two contents do not contradict each other: rows stored before it was kept do not know whether the wait
    was spoken of (`wait_told`, the last of STATE_COLUMNS), and agree with either."""
    if one == other:
        return True
    (state, told), (other_state, other_told) = (content[0].rsplit("\t", 1) for content in (one, other))
    return state == other_state and one[1] == other[1] and NULL in (told, other_told)


def agree(one: Content, other: Content) -> bool:
    """Whether they say the same, but for ends of return times that only one of them has: live data of Walt Disney
    World has none (28 of 28 rows), its history and its archive do. Of two feeds, that is; one file that says both
    contradicts itself."""
    if says_the_same(one, other):
        return True
    if not one[1] or len(one[1]) != len(other[1]):
        return False
    for queue, other_queue in zip(one[1], other[1], strict=True):
        if queue == other_queue:
            continue
        values, other_values = queue.split("\t"), other_queue.split("\t")
        if NULL not in (values[_END], other_values[_END]):
            return False
        values[_END] = other_values[_END] = NULL
        if values != other_values:
            return False
    return says_the_same((one[0], ()), (other[0], ()))


def ends_lacking(stored: Content, said: Content) -> dict[str, str]:
    """Ends of return times that `said` has and `stored`, which agrees with it, lacks: by queue_type, UTC."""
    if stored[1] == said[1]:
        return {}
    found = {}
    for queue, other_queue in zip(stored[1], said[1], strict=True):
        if queue != other_queue and (values := queue.split("\t"))[_END] == NULL:
            found[values[0]] = other_queue.split("\t")[_END]
    return found
