"""Names that driver code may use as values: statuses, levels, modes. Statuses are signed."""


def _status(code: int) -> int:
    """An NTSTATUS as the signed integer that `NT_SUCCESS` tests."""
    return code - (1 << 32) if code >= 1 << 31 else code


STATUS_SUCCESS = 0
STATUS_USER_APC = _status(0x000000C0)
STATUS_ALERTED = _status(0x00000101)
STATUS_TIMEOUT = _status(0x00000102)
STATUS_PENDING = _status(0x00000103)
STATUS_UNSUCCESSFUL = _status(0xC0000001)
STATUS_INVALID_PARAMETER = _status(0xC000000D)
STATUS_INVALID_DEVICE_REQUEST = _status(0xC0000010)
STATUS_INSUFFICIENT_RESOURCES = _status(0xC000009A)
STATUS_NOT_SUPPORTED = _status(0xC00000BB)
STATUS_INVALID_PARAMETER_1 = _status(0xC00000EF)
STATUS_INVALID_PARAMETER_10 = _status(0xC00000F8)
STATUS_CANCELLED = _status(0xC0000120)
STATUS_NOT_FOUND = _status(0xC0000225)
STATUS_DELETE_PENDING = _status(0xC0000056)
STATUS_DEVICE_NOT_READY = _status(0xC00000A3)

CONNECT_FULLY_SPECIFIED = 1
CONNECT_LINE_BASED = 2
CONNECT_MESSAGE_BASED = 3
CONNECT_FULLY_SPECIFIED_GROUP = 4

LOW_IMPORTANCE = 0

FROM_RESOURCE = -(1 << 70)
"""The default of a connect argument left out: the value of the device's translated resource.

No C type has this value.
"""

CONSTANTS: dict[str, int | str] = {
    "TRUE": 1,
    "FALSE": 0,
    "NULL": "NULL",
    "PASSIVE_LEVEL": 0,
    "APC_LEVEL": 1,
    "DISPATCH_LEVEL": 2,
    "HIGH_LEVEL": 15,
    "LevelSensitive": 0,
    "Latched": 1,
    "NotificationEvent": 0,
    "SynchronizationEvent": 1,
    "NotificationTimer": 0,
    "SynchronizationTimer": 1,
    "Executive": 0,
    "KernelMode": 0,
    "UserMode": 1,
    "IO_NO_INCREMENT": 0,
    "LowImportance": LOW_IMPORTANCE,
    "MediumImportance": 1,
    "HighImportance": 2,
    "MediumHighImportance": 3,
    "DelayedWorkQueue": 1,
    "CriticalWorkQueue": 0,
    "PowerDeviceD0": 1,
    "PowerDeviceD3": 4,
    "STATUS_SUCCESS": STATUS_SUCCESS,
    "STATUS_USER_APC": STATUS_USER_APC,
    "STATUS_ALERTED": STATUS_ALERTED,
    "STATUS_TIMEOUT": STATUS_TIMEOUT,
    "STATUS_PENDING": STATUS_PENDING,
    "STATUS_UNSUCCESSFUL": STATUS_UNSUCCESSFUL,
    "STATUS_INVALID_PARAMETER": STATUS_INVALID_PARAMETER,
    "STATUS_INVALID_DEVICE_REQUEST": STATUS_INVALID_DEVICE_REQUEST,
    "STATUS_INSUFFICIENT_RESOURCES": STATUS_INSUFFICIENT_RESOURCES,
    "STATUS_NOT_SUPPORTED": STATUS_NOT_SUPPORTED,
    "STATUS_INVALID_PARAMETER_1": STATUS_INVALID_PARAMETER_1,
    "STATUS_INVALID_PARAMETER_10": STATUS_INVALID_PARAMETER_10,
    "STATUS_CANCELLED": STATUS_CANCELLED,
    "STATUS_NOT_FOUND": STATUS_NOT_FOUND,
    "STATUS_DELETE_PENDING": STATUS_DELETE_PENDING,
    "STATUS_DEVICE_NOT_READY": STATUS_DEVICE_NOT_READY,
    "CONNECT_FULLY_SPECIFIED": CONNECT_FULLY_SPECIFIED,
    "CONNECT_LINE_BASED": CONNECT_LINE_BASED,
    "CONNECT_MESSAGE_BASED": CONNECT_MESSAGE_BASED,
    "CONNECT_FULLY_SPECIFIED_GROUP": CONNECT_FULLY_SPECIFIED_GROUP,
}
"""Every constant of the driver language by its WDK name; all but `NULL` are integers."""
