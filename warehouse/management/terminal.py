"""The base of every command: what it writes is fit for a terminal, names and errors from outside included."""

from typing import Any

from django.core.management.base import BaseCommand, OutputWrapper

from warehouse.outside import visible


class ShownOutput(OutputWrapper):
    """Hidden characters are written as escapes; ends of lines and tabs are ours, and colours come after."""

    def write(self, msg: str = "", style_func: Any = None, ending: str | None = None) -> None:
        super().write(visible(str(msg), lines=True), style_func, ending)


class TerminalCommand(BaseCommand):
    """BaseCommand with such an output, whoever sets it: Django itself sets it anew for `call_command`."""

    @property
    def stdout(self) -> ShownOutput:
        return self._stdout

    @stdout.setter
    def stdout(self, out: Any) -> None:
        self._stdout = _shown(out)

    @property
    def stderr(self) -> ShownOutput:
        return self._stderr

    @stderr.setter
    def stderr(self, out: Any) -> None:
        self._stderr = _shown(out)


def _shown(out: Any) -> ShownOutput:
    if isinstance(out, ShownOutput):
        return out
    return ShownOutput(out._out, ending=out.ending) if isinstance(out, OutputWrapper) else ShownOutput(out)
