"""Errors that are told to a user in one line."""


class ReproError(Exception):
    """Something the user can mend; its text is one line that names what is wrong and what would be right."""


class SettingError(ReproError):
    """An option, an environment variable or a regime's field has a value that cannot be used."""


class WeightsError(ReproError):
    """The weights of a stored run are not there, and something that needs them is asked for."""


class DataError(ReproError):
    """A data set is missing or damaged."""


def error_line(error: BaseException) -> str:
    """An error as its one line."""
    return " ".join(str(error).split())


def named_line(error: BaseException) -> str:
    """An error as one line that begins with what it is; for those whose text alone says too little."""
    return f"{type(error).__name__}: {error_line(error)}"
