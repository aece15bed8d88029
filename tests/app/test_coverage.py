"""What a check that holds says of the lines that never ran."""

from pathlib import Path

import pytest

from dirql.app.cli import run

DRIVER = '''"""A driver of which little runs."""
from dirql.model.wdk import *

DEBUG = 0


class Uart(Device):
    data = Bit(0)
    lost = Bit(0)

    def byte_arrives(self):
        self.data = 1

    def take(self):
        data = self.data
        self.data = 0
        return data


class Serial(Driver):
    uart = Uart()
    count = Int(0, 3)
    event = KEVENT(NotificationEvent, FALSE)

    def Read(self):
        if self.uart.take():
            self.count = 1
        if DEBUG:
            assert self.count == 3
        self.Helper()

    def Helper(self):
        self.uart.lost = 0

    def Write(self):
        KeSetEvent(self.event, 0, FALSE)

    def Both(self):
        self.Read()
        self.Write()


scenario = Scenario(start=Serial.Read, processors=[1])
'''


def test_what_nothing_calls_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An event without @hardware, a thread left out, code behind a constant."""
    path = tmp_path / "serial.py"
    path.write_text(DRIVER)
    assert run(["check", "--no-cache", str(path)]) == 0
    listed = [line.strip() for line in capsys.readouterr().out.splitlines() if "never ran" in line]
    assert listed == [
        "never ran: uart.byte_arrives:11  def byte_arrives(self):",
        "never ran: Read:27  self.count = 1",
        "never ran: Read:29  assert self.count == 3",
        "never ran: Write:35  def Write(self):",
        "never ran: Both:38  def Both(self):",
    ]


def test_the_same_from_the_cache(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIRQL_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "serial.py"
    path.write_text(DRIVER)
    said: list[list[str]] = []
    for _ in range(2):
        assert run(["check", str(path)]) == 0
        lines = capsys.readouterr().out.splitlines()
        said.append([line for line in lines if "never ran" in line])
    assert said[0] == said[1]
    assert len(said[0]) == 5
