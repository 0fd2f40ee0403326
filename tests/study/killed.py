"""A study that ends in the middle, as a kill ends it."""

from collections.abc import Callable


class Killed(Exception):
    pass


def after(last: str, ended: list[str]) -> Callable[[str], None]:
    """What a study says is heard: units that finished are noted in `ended`; when `last` has, Killed is raised."""

    def heard(text: str) -> None:
        name, _, what = text.partition(": ")
        if what == "finished":
            ended.append(name)
            if name == last:
                raise Killed

    return heard
