"""Knobs: questions on which Windows documentation is silent or disagrees with itself.

Each has a default; `either` explores both answers at once. A verdict names the knobs it depends on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches


class KnobError(Exception):
    """An unknown knob or value. The message lists what exists."""


@dataclass(frozen=True, slots=True)
class Knob:
    """One question: its possible answers, the default, and where the silence is recorded."""

    name: str
    values: tuple[str, ...]
    default: str
    summary: str
    rule: str


KNOBS: tuple[Knob, ...] = (
    Knob(
        "isr_before_connect_returns",
        ("yes", "no"),
        "yes",
        "the service routine can run before the connect call has returned",
        "10.1",
    ),
    Knob(
        "out_pointer_before_arm",
        ("yes", "no", "either"),
        "either",
        "the connect call stores the interrupt object pointer before it arms the vector",
        "10.2",
    ),
    Knob(
        "connect_may_fail",
        ("yes", "no"),
        "yes",
        "a connect call may fail with STATUS_INSUFFICIENT_RESOURCES (`no`: it never does)",
        "2.4.3",
    ),
    Knob(
        "pointer_after_failed_connect",
        ("kept", "null", "either"),
        "either",
        "what a connect call that fails leaves in the interrupt object pointer",
        "10.67",
    ),
    Knob(
        "disconnect_waits_for_isr",
        ("yes", "no", "either"),
        "yes",
        "the disconnect call returns only when no instance of the service routine is running",
        "10.29",
    ),
    Knob(
        "chain_order",
        ("own_first", "foreign_first"),
        "own_first",
        "where on a shared line the foreign driver's service routine stands in the chain",
        "10.18",
    ),
    Knob(
        "latched_chain",
        ("repeat_until_clean", "call_all_once", "stop_at_true"),
        "repeat_until_clean",
        "how the chain of a shared latched line is walked",
        "10.20",
    ),
    Knob(
        "edge_while_inactive",
        ("drop", "keep"),
        "drop",
        "what becomes of an edge that arrives while the interrupt is inactive",
        "10.36",
    ),
    Knob(
        "spurious_calls",
        ("no", "yes", "either"),
        "either",
        "a connected service routine may be called although no device asked",
        "4.5.1",
    ),
    Knob(
        "dpc_any_cpu",
        ("no", "yes"),
        "no",
        "a queued DPC may run on any processor, not only on the one that queued it",
        "10.51",
    ),
    Knob(
        "dpc_order",
        ("in_order", "unordered"),
        "in_order",
        "queued DPCs of a processor start in the order of its queue, not in any order",
        "10.65",
    ),
    Knob(
        "weak_remove_queue_dpc",
        ("no", "yes"),
        "no",
        "KeRemoveQueueDpc may return TRUE for a DPC that has just started (before Vista SP1)",
        "7.3.2",
    ),
)


@dataclass(frozen=True, slots=True)
class Knobs:
    """An answer for every knob; `settings` holds the ones that differ from the defaults."""

    settings: tuple[tuple[str, str], ...] = ()

    def __getitem__(self, name: str) -> str:
        """The value of knob `name`."""
        return dict(self.settings).get(name) or find_knob(name).default

    def allows(self, name: str, value: str) -> bool:
        """Whether `value` is among the answers to explore."""
        return self[name] in (value, "either")

    def with_value(self, name: str, value: str) -> "Knobs":
        """These knobs with `name` set to `value`.

        Raises:
            KnobError: there is no such knob or value.
        """
        knob = find_knob(name)
        if value not in knob.values:
            raise KnobError(
                f"knob {name} has no value {value!r}; it takes {', '.join(knob.values)}"
            )
        kept = {key: old for key, old in self.settings if key != name}
        if value != knob.default:
            kept[name] = value
        return Knobs(tuple(sorted(kept.items())))


@dataclass(frozen=True, slots=True)
class NotedKnobs(Knobs):
    """Knobs that note in `asked` the names of those that somebody asks for."""

    asked: set[str] = field(default_factory=set[str], compare=False)

    def __getitem__(self, name: str) -> str:
        """The value of knob `name`, which is noted."""
        self.asked.add(name)
        return Knobs.__getitem__(self, name)


WIDEST: Mapping[str, str] = {
    "isr_before_connect_returns": "yes",
    "connect_may_fail": "yes",
    "spurious_calls": "yes",
    "dpc_any_cpu": "yes",
    "dpc_order": "unordered",
    "weak_remove_queue_dpc": "yes",
}
"""The answers of knobs that allow whatever the others do; of the rest `either` does, if there."""


def other_answers(knob: Knob, current: str) -> tuple[str, ...]:
    """The answers that allow something which `current` rules out, one by one.

    Of `spurious_calls` even `either` rules something out: calls on a shared line.
    """
    widest = WIDEST.get(knob.name)
    if widest is not None:
        return () if current == widest else (widest,)
    if current == "either":
        return ()
    return tuple(value for value in knob.values if value not in (current, "either"))


def find_knob(name: str) -> Knob:
    """The knob called `name`.

    Raises:
        KnobError: there is none; the message names the nearest.
    """
    for knob in KNOBS:
        if knob.name == name:
            return knob
    names = [knob.name for knob in KNOBS]
    near = get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]}?" if near else "."
    raise KnobError(f"there is no knob {name!r}{hint} There are: {', '.join(names)}")


def parse_knob(text: str, knobs: Knobs) -> Knobs:
    """`knobs` changed by `text`, written `name=value`.

    Raises:
        KnobError: the text has no `=`, or names an unknown knob or value.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise KnobError(f"write a knob as name=value, not {text!r}")
    return knobs.with_value(name.strip(), value.strip())


def make_knobs(settings: Mapping[str, str]) -> Knobs:
    """Knobs with these settings.

    Raises:
        KnobError: an unknown knob or value.
    """
    knobs = Knobs()
    for name, value in settings.items():
        knobs = knobs.with_value(name, value)
    return knobs
