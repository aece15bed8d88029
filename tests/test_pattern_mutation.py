"""Each file of kernel rules, with one guard, check or update wrong: some pattern's verdict changes.

A mutation replaces one piece of a file's text.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dirql.app.answers import find_scenario, prepare
from dirql.app.proving import prove_subject
from dirql.app.questions import Options, Question
from dirql.explorer.engine import Limits
from dirql.explorer.reference import ReferenceEngine
from dirql.explorer.verdict import Holds, Verdict, Violated
from dirql.model.compiler import compile_system
from dirql.model.kernel import make_knobs
from dirql.model.language import load_pattern
from dirql.model.language.load import Pattern
from dirql.model.scenario import Scenario
from dirql.model.scenario import Violated as ExpectedViolated
from dirql.properties import apply

from .mutating import changed

ROOT = Path(__file__).parent.parent
KERNEL = ROOT / "model" / "kernel"


@dataclass(frozen=True)
class Mutation:
    """In `file`, `old` becomes `new`; then `pattern` says `becomes` instead of what it expects."""

    file: str
    old: str
    new: str
    pattern: str
    becomes: str
    processors: int = 1
    scenario: str = ""


MUTATIONS = (
    Mutation(
        "c_types",
        'low_bits = arithmetic("&", shifted, Constant(kind.size - 1))',
        "low_bits = shifted",
        "claim_cut_to_a_byte",
        "holds",
    ),
    Mutation(
        "c_types",
        "return (value - self.low) % self.size + self.low",
        "return 0",
        "serial_claim_fixed",
        "handled-but-unclaimed",
    ),
    Mutation(
        "stack_memory",
        "updates=((alive.variable, FALSE), *as_new(world, name)),",
        "updates=(),",
        "request_left_on_the_stack",
        "holds",
    ),
    Mutation(
        "stack_memory",
        "updates=((alive.variable, TRUE), *as_new(world, name)),",
        "updates=as_new(world, name),",
        "request_left_on_the_stack_fixed",
        "use-after-free",
    ),
    Mutation(
        "cancel_lock",
        "CANCEL_LOCK, ())",
        "call.context, ())",
        "cancel_lock_kept_fixed",
        "release-of-unowned-lock",
    ),
    Mutation(
        "out_pointer",
        'if pointer != "NULL":',
        "if True:",
        "parameters_without_pointer",
        "device-unmasked-before-connect",
    ),
    Mutation(
        "connection",
        'if world.knobs.allows("connect_may_fail", "yes"):',
        "if False:",
        "connect_status_ignored",
        "holds",
    ),
    Mutation(
        "disconnection",
        "= (negation(running(found.name)),)",
        "= ()",
        "low_importance_not_flushed_fixed",
        "use-after-unmap",
        processors=2,
    ),
    Mutation(
        "disconnection",
        "member(state, (CONNECTED, INACTIVE)),",
        "member(state, (CONNECTED, INACTIVE, DISCONNECTED)),",
        "floppy_double_disconnect",
        "holds",
    ),
    Mutation(
        "dispatch",
        "                negation(quiet),",
        "                TRUE,",
        "claim_follows_software_state",
        "stuck-context",
    ),
    Mutation(
        "dispatch",
        "return equal(world.interrupt_state(item.name), Constant(CONNECTED))",
        "return TRUE",
        "isr_before_context_ready_fixed",
        "use-after-unmap",
    ),
    Mutation(
        "dispatch",
        "usual = (asked,) if line.latched else (asked, *alone)",
        "usual = () if line.latched else alone",
        "kmdf_edge_during_connect",
        "holds",
    ),
    Mutation(
        "dispatch",
        'lock taken", "4.1.1", takes=item.lock,',
        'lock taken", "4.1.1",',
        "vioscsi_queue_lock_fixed",
        "value-out-of-range",
        processors=2,
    ),
    Mutation(
        "dpc",
        'and not world.facts.has("dpc low importance", dpc)',
        "",
        "low_importance_not_flushed",
        "holds",
    ),
    Mutation(
        "dpc",
        "Outcome((free,), tuple(updates),",
        "Outcome((free,), (),",
        "set_event_in_isr_fixed",
        "stuck-context",
    ),
    Mutation(
        "out_pointer",
        "            member(world.interrupt_state(other.name), LIVE),\n",
        "",
        "failed_connect_keeps_pointer_fixed",
        "connect-overwrites-live-interrupt",
    ),
    Mutation(
        "dispatch",
        'world.knobs.allows("spurious_calls", "yes")',
        "False",
        "interrupt_pointer_before_connect_returns",
        "holds",
        scenario="spurious",
    ),
    Mutation(
        "out_pointer",
        'not knobs.allows("pointer_after_failed_connect", "kept")',
        "True",
        "failed_connect_keeps_pointer",
        "holds",
    ),
    Mutation(
        "dpc_queues",
        "conjunction(at_head, there)",
        "there",
        "dpc_order_relied_on",
        "assertion-failed",
        scenario="in order",
    ),
    Mutation(
        "dpc_queues",
        'return world.flag(f"{dpc} is urgent")',
        "return FALSE",
        "dpc_of_high_importance_overtakes",
        "holds",
    ),
    Mutation(
        "dpc_queues",
        'world.knobs["dpc_order"] == "unordered"',
        "False",
        "dpc_order_relied_on",
        "holds",
        scenario="any order",
    ),
    Mutation(
        "dispatch",
        "processor != slot.processor",
        "False",
        "register_read_without_clock",
        "stuck-context",
        processors=2,
    ),
    Mutation(
        "dpc_removal",
        "Outcome(tuple(waits), result",
        "Outcome((), result",
        "pool_freed_with_queued_dpc_fixed",
        "free-while-queued",
        processors=2,
    ),
    Mutation(
        "dpc_removal",
        "dequeued(world, dpc), result",
        "(), result",
        "remove_queue_dpc_trusted",
        "free-while-queued",
        processors=2,
        scenario="new",
    ),
    Mutation(
        "events",
        "Outcome((negation(flag), *guard), updates,",
        "Outcome((negation(flag), *guard), (),",
        "set_event_in_isr_fixed",
        "stuck-context",
    ),
    Mutation(
        "events",
        "Outcome((flag,), ((flag.variable, FALSE),), result=Constant(1))",
        "Outcome((flag,), (), result=Constant(1))",
        "event_cleared_after_start",
        "holds",
    ),
    Mutation(
        "interlocked",
        "new, lambda _: before)",
        "new, lambda _: Constant(0))",
        "home_made_lock_fixed",
        "claim-broken",
    ),
    Mutation(
        "interlocked",
        "_access(target, AccessKind.INTERLOCKED, stored)",
        "_access(target, AccessKind.PLAIN_WRITE, stored)",
        "home_made_lock_fixed",
        "data-race",
    ),
    Mutation(
        "locks",
        "call.held and call.held[-1].lock != lock",
        "False",
        "locks_released_in_taking_order",
        "holds",
    ),
    Mutation(
        "memory",
        "                negation(queued),",
        "                TRUE,",
        "pool_freed_with_queued_dpc",
        "use-after-free",
        processors=2,
    ),
    Mutation(
        "memory",
        "updates = ((alive.variable, Constant(value=False)),)",
        "updates = ()",
        "low_importance_not_flushed",
        "holds",
    ),
    Mutation(
        "mutexes",
        "drops=mutex, irql=new",
        "irql=new",
        "connect_under_fast_mutex_fixed",
        "lock-held-at-return",
    ),
    Mutation(
        "queued_spin_locks",
        'lock, "queued")\n    return',
        'lock, "ordinary")\n    return',
        "queued_lock_used_as_ordinary",
        "holds",
    ),
    Mutation(
        "queued_spin_locks",
        "saves=call.irql)",
        "saves=call.irql, irql=0)",
        "queued_lock_used_as_ordinary_fixed",
        "irql-not-restored",
    ),
    Mutation(
        "raising",
        '"1.4.1", irql=new',
        '"1.4.1", irql=call.irql',
        "dpc_helper_called_by_thread_fixed",
        "irql-too-low",
    ),
    Mutation(
        "raising",
        "if new < call.irql or new > HIGH_LEVEL:",
        "if new > HIGH_LEVEL:",
        "service_routine_raises_to_dispatch",
        "irql-lowered-wrongly",
    ),
    Mutation(
        "registration",
        'lock = "" if request.lock == "NULL" else request.lock',
        'lock = ""',
        "two_interrupts_two_locks_fixed",
        "unserviced-cause",
        processors=2,
    ),
    Mutation(
        "rule", "        if self.irql <= level:", "        if True:", "set_event_in_isr", "holds"
    ),
    Mutation(
        "rule",
        "        if self.irql >= level:",
        "        if True:",
        "dpc_helper_called_by_thread",
        "stuck-context",
    ),
    Mutation(
        "spin_locks",
        "    if held.previous_irql != new:",
        "    if False:",
        "one_variable_for_two_levels",
        "irql-not-restored",
    ),
    Mutation(
        "spin_locks",
        'name=f"{call.routine} takes {lock}", takes=lock',
        'name=f"{call.routine} takes {lock}", takes=""',
        "try_lock_result_ignored_fixed",
        "release-of-unowned-lock",
    ),
    Mutation(
        "synchronization",
        "checks=alive + _not_above(call, found), irql=level",
        "checks=alive + _not_above(call, found)",
        "rtethsample_unlocked_mask_fixed",
        "unserviced-cause",
    ),
    Mutation(
        "synchronization",
        "takes=found.lock,\n            saves=call.irql,",
        "saves=call.irql,",
        "interrupt_pointer_before_connect_returns_fixed",
        "data-race",
        processors=2,
    ),
    Mutation(
        "timers",
        "Outcome((was,), disarm(world, timer), result",
        "Outcome((was,), (), result",
        "watchdog_left_armed_fixed",
        "queue-left-pending",
    ),
    Mutation(
        "waits", "    if call.irql <= APC_LEVEL:", "    if True:", "sleep_under_spin_lock", "holds"
    ),
    Mutation(
        "waits",
        "ends = [Outcome((negation(waits),)",
        "ends = [Outcome(()",
        "device_deleted_under_work_item_fixed",
        "free-while-queued",
    ),
    Mutation(
        "work_items",
        "        equal(state_of(world, item), Constant(IDLE)),",
        "        equal(item, item),",
        "work_item_freed_by_its_queuer",
        "holds",
    ),
    Mutation(
        "work_items",
        "    idle = equal(state, Constant(IDLE))",
        "    idle = equal(Constant(IDLE), Constant(IDLE))",
        "i8042prt_work_item",
        "holds",
    ),
    Mutation(
        "cancel_lock",
        'call.number("Irql"))',
        "next(item.previous_irql for item in call.held))",
        "cancel_irql_guessed",
        "holds",
    ),
    Mutation(
        "connection",
        "Outcome(updates=arm),))",
        "Outcome(updates=()),))",
        "serial_claim_fixed",
        "device-unmasked-before-connect",
    ),
    Mutation(
        "connection",
        'if world.knobs.allows("out_pointer_before_arm", "no"):',
        "if False:",
        "interrupt_pointer_before_connect_returns",
        "holds",
        scenario="spurious",
    ),
    Mutation(
        "connection",
        "checks = call.at_most(PASSIVE_LEVEL, f",
        "checks = call.at_most(1, f",
        "connect_under_fast_mutex",
        "holds",
    ),
    Mutation(
        "dpc_removal",
        'if world.knobs.allows("weak_remove_queue_dpc", "yes"):',
        "if False:",
        "remove_queue_dpc_trusted",
        "holds",
        processors=2,
        scenario="old",
    ),
    Mutation(
        "dpc_removal",
        "snapshot.append((flag.variable, running_on(processor)))",
        "snapshot.append((flag.variable, FALSE))",
        "pool_freed_with_queued_dpc_fixed",
        "use-after-free",
        processors=2,
    ),
    Mutation(
        "interlocked",
        "access = (_access(target, AccessKind.INTERLOCKED, new),)",
        "access: tuple[Access, ...] = ()",
        "serial_wait_race",
        "holds",
        processors=2,
    ),
    Mutation(
        "interlocked",
        'checks += one_family(call, world, lock, "interlocked")',
        'return _combine(call, world, "+", old=True)',
        "interlocked_lock_used_as_ordinary",
        "torn-read-modify-write",
    ),
    Mutation(
        "locks",
        "if call.held and call.held[-1].lock != lock:",
        "if call.held:",
        "locks_released_in_taking_order_fixed",
        "release-out-of-order",
    ),
    Mutation(
        "locks",
        "and new < level_of(held)",
        "and new <= level_of(held)",
        "locks_released_in_taking_order_fixed",
        "irql-lowered-below-lock",
    ),
    Mutation(
        "memory",
        "negation(equal(dpc_queues.queued_on(world, part), NONE))",
        "equal(dpc_queues.queued_on(world, part), NONE)",
        "pool_freed_with_queued_dpc_fixed",
        "free-while-queued",
    ),
    Mutation(
        "mutexes",
        'return call.at_most(APC_LEVEL, "0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION (0x33)")',
        "return ()",
        "try_mutex_in_dpc",
        "holds",
    ),
    Mutation(
        "raising",
        "if new < call.irql or new > HIGH_LEVEL:",
        "new = max(new, call.irql)\n    if new > HIGH_LEVEL:",
        "service_routine_raises_to_dispatch",
        "holds",
    ),
    Mutation(
        "registration",
        "return len(versions) == 1",
        "return bool(versions)",
        "disconnect_by_other_version",
        "holds",
    ),
    Mutation(
        "rule",
        "        if self.irql <= level:",
        "        if self.irql < level:",
        "parport_double_connect_fixed",
        "irql-too-high",
    ),
    Mutation(
        "rule",
        "        if self.irql >= level:",
        "        if self.irql > level:",
        "dpc_helper_called_by_thread_fixed",
        "irql-too-low",
    ),
    Mutation(
        "synchronization",
        "return call.at_most(found.registration.synchronize_irql)",
        "return ()",
        "synchronize_above_its_level",
        "holds",
    ),
    Mutation(
        "registration",
        'if name == "NULL":',
        'if name == "NULL":\n        return Step(call.routine)\n    if not name:',
        "netkvm_sync_unregistered",
        "holds",
    ),
    Mutation(
        "timers",
        "return negation(equal(armed(world, timer), Constant(IDLE)))",
        "return equal(armed(world, timer), Constant(ARMED))",
        "watchdog_left_armed",
        "holds",
    ),
    Mutation(
        "timers",
        "        (queued_on(world, dpc).variable, processor),\n",
        "",
        "pcidrv_watchdog_before_connect",
        "holds",
    ),
    Mutation(
        "work_items",
        "((state.variable, Constant(IDLE)),)",
        "()",
        "i8042prt_work_item_fixed",
        "work-item-queued-twice",
    ),
    Mutation(
        "spin_locks",
        "if len(others) < 2:",
        "if len(others) < 3:",
        "queued_lock_used_as_ordinary",
        "holds",
    ),
    Mutation(
        "memory",
        "guard=(equal(kept, Constant(0)),)",
        "guard=()",
        "work_item_after_unmap_fixed",
        "use-after-free",
    ),
    Mutation(
        "remove_locks",
        "(Outcome((ended,), result=Constant(0)),),",
        "(Outcome(result=Constant(0)),),",
        "remove_lock_released_twice_fixed",
        "use-after-unmap",
    ),
    Mutation(
        "remove_locks",
        "        some,\n",
        "        TRUE,\n",
        "remove_lock_released_twice",
        "holds",
    ),
    Mutation(
        "remove_locks",
        "acquired = Outcome((negation(gone),),",
        "acquired = Outcome((),",
        "remove_lock_released_twice_fixed",
        "use-after-unmap",
    ),
    Mutation(
        "memory",
        "((alive.variable, TRUE), *as_new(world, name))",
        "((alive.variable, TRUE),)",
        "session_reopened",
        "holds",
    ),
    Mutation(
        "spin_locks",
        "        free(world, lock),\n",
        "        Constant(value=True),\n",
        "reset_initialises_lock",
        "holds",
        processors=2,
    ),
    Mutation(
        "dpc",
        "        equal(queued_on(world, dpc), NONE),\n",
        "        Constant(value=True),\n",
        "dpc_initialised_while_queued",
        "holds",
        processors=2,
    ),
    Mutation(
        "dpc_sources",
        "        negation(_was(world, dpc, other)),\n",
        "        TRUE,\n",
        "timer_dpc_queued_by_hand",
        "holds",
    ),
    Mutation(
        "dpc_sources",
        "if not _mixed(world, dpc):\n        return (), ()\n"
        "    other = TIMER if source == CALLS else CALLS",
        "other = source",
        "timer_dpc_queued_by_hand_fixed",
        "dpc-argument-lost",
    ),
    Mutation(
        "synchronization",
        "if held.through == found.name:",
        "if True:",
        "interrupt_lock_of_the_other_port",
        "holds",
    ),
    Mutation(
        "synchronization",
        "if held.previous_irql != old:",
        "if False:",
        "interrupt_lock_level_guessed",
        "irql-not-restored",
    ),
    Mutation(
        "mutexes",
        "takes=mutex,\n            saves=call.irql,",
        "saves=call.irql,",
        "mutex_taken_by_helper_fixed",
        "release-of-unowned-lock",
    ),
    Mutation(
        "events",
        "conjunction(*(negation(item) for item in waiters)),\n",
        "TRUE,\n",
        "event_initialised_again",
        "holds",
    ),
    Mutation(
        "waits",
        'if call.number("Alertable"):',
        "if False:",
        "alerted_wait_taken_for_done",
        "holds",
    ),
    Mutation(
        "waits",
        "_ends_early(call, (waits,), over)",
        "_ends_early(call, (), over)",
        "alerted_wait_taken_for_done_fixed",
        "stuck-context",
    ),
    Mutation(
        "raising",
        "if not call.raised or call.raised[-1] != new:",
        "if False:",
        "level_lowered_to_passive",
        "irql-not-restored",
    ),
    Mutation(
        "timers",
        "        negation(pending(world, timer)),\n",
        "        Constant(value=True),\n",
        "timer_initialised_while_armed",
        "holds",
    ),
)


def rule_files() -> list[str]:
    """The files of the kernel that hold rules: they make steps or checks."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(KERNEL.glob("*.py"))}
    return [name for name, text in texts.items() if "Model:" in text or "Check(" in text]


@contextmanager
def mutated(mutation: Mutation) -> Generator[None]:
    """The mutation, for as long as the context lasts."""
    with changed(f"dirql.model.kernel.{mutation.file}", mutation.old, mutation.new):
        yield


def asked(mutation: Mutation) -> tuple[Pattern, Scenario]:
    """The pattern, and the scenario that is looked at."""
    pattern = load_pattern(ROOT / "patterns" / f"{mutation.pattern}.py")
    return pattern, find_scenario(pattern, mutation.scenario or pattern.scenarios[0].name)


def expected(mutation: Mutation) -> str:
    """What the pattern expects of the rules as they are: a property, or `holds`."""
    found = dict(asked(mutation)[1].expect)[mutation.processors]
    return found.property if isinstance(found, ExpectedViolated) else "holds"


def verdict(mutation: Mutation) -> str:
    """What the explorer finds: a property, or `holds`."""
    pattern, scenario = asked(mutation)
    knobs = make_knobs(dict(scenario.knobs))
    system = compile_system(pattern.program, scenario, mutation.processors, knobs)
    machine = apply(system, scenario.properties or None)
    return in_a_word(ReferenceEngine().check(machine, Limits(states=20_000)).verdict)


def in_a_word(found: Verdict) -> str:
    """`holds`, the property violated, or why the verdict is unknown."""
    match found:
        case Holds():
            return "holds"
        case Violated(name, _):
            return name
        case _:
            return found.reason


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda item: f"{item.file}-{item.pattern}")
def test_a_pattern_notices_the_mutation(mutation: Mutation) -> None:
    """The verdict is another one, and the expected one."""
    with mutated(mutation):
        found = verdict(mutation)
    assert found == mutation.becomes
    assert found != expected(mutation)


def test_a_proof_notices_the_mutation() -> None:
    """Where a dead object is dispatched, its invariant is dropped, and what rests on it is open."""
    pattern = "isr_lock_before_disconnect_fixed"
    mutation = Mutation(
        "dispatch",
        "return equal(world.interrupt_state(item.name), Constant(CONNECTED))",
        "return TRUE",
        pattern,
        "",
    )
    question = Question(str(ROOT / "patterns" / f"{pattern}.py"), "scenario", 1, Options())
    with mutated(mutation):
        proof = prove_subject(prepare(question), ["preemption-deadlock"])
    assert "serves Isr interrupt only while it is connected" in " ".join(
        item.claim.detail for item in proof.dropped
    )
    assert not proof.complete


@pytest.mark.parametrize("file", rule_files())
def test_every_file_of_rules_is_mutated_in_both_directions(file: str) -> None:
    """A new chapter of kernel rules comes with two mutations: patterns notice both.

    One makes a rule so weak that a faulty pattern holds. The other accuses a correct pattern.
    """
    changes = {(expected(item), item.becomes) for item in MUTATIONS if item.file == file}
    assert any(before != "holds" and after == "holds" for before, after in changes)
    assert any(before == "holds" and after != "holds" for before, after in changes)


def test_only_files_of_rules_are_mutated() -> None:
    """A file that has gone is not mutated any more."""
    assert {item.file for item in MUTATIONS} == set(rule_files())
