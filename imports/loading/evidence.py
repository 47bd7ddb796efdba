"""Examples of observations and of what they say, for the evidence of a finding."""

from imports.events.load_format import QUEUE_COLUMNS, STATE_COLUMNS, row_values
from imports.events.validation import Observation
from imports.loading.content import Content


def example_of(observation: Observation) -> dict:
    """Which one it is."""
    return {
        "entityId": observation.entity_id,
        "eventTime": observation.event_time,
        "name": observation.said.name_as_it_came,
    }


def both(**contents: Content) -> dict:
    """What each of them says, by the names that they are given."""
    return {name: _content_example(content) for name, content in contents.items()}


def _content_example(content: Content) -> dict:
    state, queues = content
    return {
        **dict(zip(STATE_COLUMNS, row_values(state), strict=True)),
        "queues": [
            {name: value for name, value in zip(QUEUE_COLUMNS, row_values(queue), strict=True) if value is not None}
            for queue in queues
        ],
    }
