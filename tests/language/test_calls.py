"""Calls, addresses, structures and references give the graph they should."""

from dirql.model.algebra import conjunction, less_equal
from dirql.model.expr import (
    Arithmetic,
    Compare,
    Constant,
    IfThenElse,
    Read,
)
from dirql.model.routine import (
    AddressOf,
    Assign,
    Branch,
    Call,
    Load,
    Place,
    Return,
    Store,
)

from .loading import instructions

DRIVER = Constant("driver")
NULL = Constant("NULL")
PENDING = Place(DRIVER, "pending")
CURRENT = Place(DRIVER, "current")
END = Return()


def test_kernel_call() -> None:
    assert instructions("KeInsertQueueDpc(self.dpc, SystemArgument2=self.r0)") == [
        Call(None, Constant("KeInsertQueueDpc"), (Constant("dpc"), NULL, Constant("r0"))),
        END,
    ]


def test_out_parameter_is_the_target() -> None:
    body = "KeAcquireSpinLock(self.lock, OldIrql)\nKeReleaseSpinLock(self.lock, OldIrql)"
    assert instructions(body) == [
        Call("OldIrql", Constant("KeAcquireSpinLock"), (Constant("lock"),)),
        Call(None, Constant("KeReleaseSpinLock"), (Constant("lock"), Read("OldIrql"))),
        END,
    ]


def test_address() -> None:
    assert instructions("InterlockedIncrement(self.pending)")[0] == Call(
        None, Constant("InterlockedIncrement"), (AddressOf(PENDING),)
    )


def test_result_of_an_interlocked_exchange_of_pointers_is_a_pointer() -> None:
    body = "old = InterlockedExchangePointer(self.current, NULL)\nif old:\n    old.refs = 0"
    assert instructions(body)[1] == Branch(Compare("!=", Read("old"), NULL), 2, 3)


def test_local_structure() -> None:
    found = instructions(
        """
        params = IO_CONNECT_INTERRUPT_PARAMETERS()
        params.Version = CONNECT_LINE_BASED
        params.LineBased.InterruptObject = self.Interrupt
        params.LineBased.ServiceRoutine = self.Isr
        status = IoConnectInterruptEx(params)
        return status
        """,
        "def Isr(self, Interrupt, ServiceContext):\n    return FALSE",
    )
    assert Assign("params.Version", Constant(0)) in found
    assert Assign("params.LineBased.InterruptObject", Constant("&driver.Interrupt")) in found
    assert Assign("params.LineBased.ServiceRoutine", Constant("Isr")) in found
    call = found[-2]
    assert isinstance(call, Call)
    assert call.target == "status"
    assert call.arguments[0] == Read("params.Version")
    assert Read("params.LineBased.ServiceRoutine") in call.arguments
    assert NULL in call.arguments


def test_disconnect_structure() -> None:
    found = instructions(
        """
        params = IO_DISCONNECT_INTERRUPT_PARAMETERS()
        params.Version = CONNECT_LINE_BASED
        params.ConnectionContext.InterruptObject = self.Interrupt
        IoDisconnectInterruptEx(params)
        """
    )
    assert found[-2] == Call(
        None,
        Constant("IoDisconnectInterruptEx"),
        (Read("params.Version"), Read("params.ConnectionContext.InterruptObject")),
    )


def test_nt_success() -> None:
    body = "status = 1\nif not NT_SUCCESS(status):\n    return status\nreturn 0"
    signed = (
        less_equal(Constant(0), Read("status")),
        less_equal(Read("status"), Constant(2**31 - 1)),
    )
    assert instructions(body)[1] == Branch(conjunction(*signed), 3, 2)


def test_device_routine() -> None:
    assert instructions("x = self.nic.read_and_clear()")[0] == Call(
        "x", Constant("nic.read_and_clear"), ()
    )


def test_stored_callback() -> None:
    assert instructions("self.callback = self.Complete\nself.callback(1)") == [
        Store(Place(DRIVER, "callback"), Constant("Complete")),
        Load("%1", Place(DRIVER, "callback")),
        Call(None, Read("%1"), (Constant(1),)),
        END,
    ]


def test_reference() -> None:
    place = Place(Read("request"), "refs")
    assert instructions("request = self.current\nrequest.refs += 1") == [
        Load("request", CURRENT),
        Load("%1", place, starts_update=True),
        Store(place, Arithmetic("+", Read("%1"), Constant(1)), completes_update=True),
        END,
    ]
    assert instructions("self.r0.refs = 1")[0] == Store(Place(Constant("r0"), "refs"), Constant(1))
    assert instructions("self.current.refs = 1")[1] == Store(Place(Read("%1"), "refs"), Constant(1))


def test_object_inside_a_reference() -> None:
    found = instructions("KeInsertQueueDpc(self.current.dpc)")[1]
    assert isinstance(found, Call)
    assert found.arguments[0] == IfThenElse(
        Compare("==", Read("%1"), Constant("r0")),
        Constant("r0.dpc"),
        IfThenElse(Compare("==", Read("%1"), Constant("r1")), Constant("r1.dpc"), NULL),
    )


def test_self_is_a_value() -> None:
    assert instructions("x = self\nx.pending = 1") == [
        Assign("x", DRIVER),
        Store(Place(Read("x"), "pending"), Constant(1)),
        END,
    ]
