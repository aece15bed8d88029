"""Values of locals, results and arguments: declared ranges, NULL, statuses."""

import pytest

from dirql.model.language import PatternError

from .drivers import Driver


@pytest.mark.parametrize(
    "body",
    [
        "v: Int(0, 1) = self.x",
        "v: Int(0, 1) = choose(range(3))",
        "v: Int(0, 1) = self.Two()",
        "v: Int(0, 1) = 0\n    v = self.Two()",
        "self.Narrow(self.x)",
        "self.Narrow(2)",
    ],
)
def test_a_declared_local_is_checked_however_it_gets_its_value(body: str) -> None:
    driver = Driver(
        f"""
def T(self):
    self.x = 2
    {body}
    self.y = 1

def Two(self):
    return self.x + 0

def Narrow(self, v: Int(0, 1)):
    self.y = v
"""
    )
    assert driver.verdict("value-out-of-range") == "value-out-of-range"


def test_a_declared_local_within_its_range_is_fine() -> None:
    driver = Driver(
        """
        def T(self):
            v: Int(0, 3) = self.Two()
            self.y = v

        def Two(self):
            return self.x
        """
    )
    assert driver.verdict() == "holds"


def test_the_address_of_a_field_of_null_is_a_null_dereference() -> None:
    driver = Driver("def T(self):\n    InterlockedIncrement(self.current.refs)")
    assert driver.verdict() == "null-dereference"


def test_a_pointer_is_no_answer_of_a_service_routine() -> None:
    driver = Driver(
        """
        def T(self):
            self.nic.masked = 0

        def Service(self, Interrupt, ServiceContext):
            return self.current
        """
    )
    refused = driver.refusal()
    assert "a service routine, is BOOLEAN" in refused.message
    assert refused.line


def test_a_start_routine_cannot_answer_a_reference() -> None:
    driver = Driver(
        """
        def Start(self):
            IoConnectInterrupt(self.Interrupt, self.Service)
            return self.current

        def T(self):
            pass
        """
    )
    assert "a start routine, is NTSTATUS" in driver.refusal().message


@pytest.mark.parametrize("level", ["PASSIVE_LEVEL", "APC_LEVEL", "DISPATCH_LEVEL"])
def test_a_failing_start_at_any_level_starts_nobody(level: str) -> None:
    driver = Driver(
        """
        def Start(self):
            self.x = choose(0, 1)
            return STATUS_UNSUCCESSFUL if self.x else STATUS_SUCCESS

        def T(self):
            IoConnectInterrupt(self.Interrupt, self.Service)
            assert not self.x
        """,
        start=f"At({level}, Sample.Start)",
    )
    assert driver.verdict("assertion-failed") == "holds"


def test_a_constant_outside_the_field_is_a_violation() -> None:
    driver = Driver("def T(self):\n    self.X = 5\n", fields="X = Int(0, 3)\n")
    assert driver.verdict() == "value-out-of-range"


def test_a_constant_outside_a_register_is_a_violation() -> None:
    assert Driver("def T(self):\n    self.nic.masked = 2\n").verdict() == "value-out-of-range"


@pytest.mark.parametrize(
    ("bounds", "given", "claim"),
    [
        ("-0x80000000, 0x7FFFFFFF", "0xC000009A", "v < 0"),
        ("0, 0xFFFFFFFF", "STATUS_INSUFFICIENT_RESOURCES", "v > 0x7FFFFFFF"),
    ],
)
def test_a_declared_local_reads_32_bits_as_a_field_does(
    bounds: str, given: str, claim: str
) -> None:
    driver = Driver(f"def T(self):\n    v: Int({bounds}) = {given}\n    assert {claim}\n")
    assert driver.verdict() == "holds"


def test_what_is_read_from_a_wide_field_needs_no_declaration() -> None:
    driver = Driver(
        """
def T(self):
    self.unsigned = 0xC000009A
    self.signed = self.unsigned
    assert self.signed == STATUS_INSUFFICIENT_RESOURCES
""",
        fields="signed = Int(-0x80000000, 0x7FFFFFFF)\nunsigned = Int(0, 0xFFFFFFFF)\n",
    )
    assert driver.verdict() == "holds"


def test_an_error_names_no_temporary() -> None:
    driver = Driver(
        """
def T(self):
    self.y = (self.Wide() + self.x) & 3

def Wide(self):
    return self.unsigned + 1
""",
        fields="unsigned = Int(0, 0xFFFFFFFF)",
    )
    with pytest.raises(PatternError) as raised:
        driver.system()
    assert "no bound" in str(raised.value)
    assert "%" not in str(raised.value)
