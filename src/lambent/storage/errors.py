"""What may go wrong below a service: each is told apart because the person reading it must do something different."""


class StorageError(Exception):
    """Something could not be stored or read; the message is a sentence for a person."""


class StorageFull(StorageError):
    """The disk (or quota) is full; nothing of the failed write is visible. Free space and send it again."""


class StorageFailure(StorageError):
    """The disk or the database file does not work: I/O error, read-only, corrupt."""


class SchemaTooNew(StorageError):
    """The data directory was written by a newer Lambent than this one."""


class DataDirectoryBusy(StorageError):
    """Another Lambent holds the data directory; the message says who."""
