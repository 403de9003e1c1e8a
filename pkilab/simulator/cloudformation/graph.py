"""Work on resources that need each other, taken up again while some of it has to wait."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping

from pkilab.simulator.service import AwsError

#: A piece of work; it yields when it can only wait.
Task = Generator[None, None, None]


class Graph:
    """Tasks by name, each started once those that it needs have ended.

    Args:
        tasks: what makes each task.
        needs: what each needs; names that have no task count as ended.
        carry_on: whether other tasks go on after one has failed; those that need it do not start.
    """

    def __init__(
        self,
        tasks: Mapping[str, Callable[[], Task]],
        needs: Mapping[str, tuple[str, ...]],
        *,
        carry_on: bool = False,
    ) -> None:
        self._waiting = dict(tasks)
        self._needs, self._carry_on = needs, carry_on
        self._running: dict[str, Task] = {}
        self.failed: dict[str, AwsError] = {}

    @property
    def running(self) -> list[str]:
        """The names of the tasks that were begun and have not ended."""
        return list(self._running)

    def run(self) -> Task:
        """Do what can be done, yielding when all that is left has to wait.

        Ends when everything has, or when a task has failed (unless work carries on).
        """
        while True:
            moved = False
            for name in [each for each in self._waiting if self._is_free(each)]:
                self._running[name] = self._waiting.pop(name)()
                moved = True
            for name in list(self._running):
                moved |= self._step(name)
                if self.failed and not self._carry_on:
                    return
            if moved:
                continue
            if not self._running:
                return
            yield

    def stop(self) -> list[str]:
        """Give up what is running; return what that was."""
        names = list(self._running)
        for task in self._running.values():
            task.close()
        self._running.clear()
        return names

    def _is_free(self, name: str) -> bool:
        left = self._waiting.keys() | self._running.keys() | self.failed.keys()
        return not left & set(self._needs.get(name, ())) - {name}

    def _step(self, name: str) -> bool:
        """Go on with one task; return whether it has ended."""
        try:
            next(self._running[name])
        except StopIteration:
            pass
        except AwsError as why:
            self.failed[name] = why
        else:
            return False
        del self._running[name]
        return True
