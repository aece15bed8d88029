"""Pointers whose value depends on data."""

import pytest

from .drivers import Driver, reached


@pytest.mark.parametrize(
    "body",
    [
        "p = self.r0 if self.x else self.r1\n    p.refs = 1",
        "v = self.x\n    p = self.r0 if v else self.r1\n    p.refs = 1",
        "v = self.x\n    self.Touch(self.r0 if v else self.r1)",
        "v = self.x\n    self.Touch(self.Which(v))",
        "self.current = self.r0 if self.x else self.r1\n    self.current.refs = 1",
        "v = self.x\n    p = NULL if v == 2 else self.r0 if v else self.r1\n    p.refs = 1",
    ],
)
def test_a_pointer_chosen_by_data(body: str) -> None:
    driver = Driver(
        f"""
def T(self):
    self.x = choose(0, 1)
    {body}

def Touch(self, request):
    request.refs = 1

def Which(self, v):
    return self.r0 if v else self.r1
""",
        fields="r1 = Request()",
    )
    assert driver.verdict() == "holds"
    machine = driver.system().machine
    assert reached(machine, "r0.refs", "r1.refs") == {(0, 0), (1, 0), (0, 1)}
