"""Certificates for containers: six ways to bring one there, and what each gives away.

`images` builds a container image without Docker and finds the keys in it, `containers` runs the
entry points of the template ``container_tls``, `stores` has the form of what lies in Parameter
Store and Secrets Manager, `rotation` deploys the function that renews it, `own_ca` is a CA of one's
own, `tasks` makes the role of a task, `fleet` starts many containers at once, and `ways` compares.
"""

from pkilab.container_tls.containers import Container, run
from pkilab.container_tls.fleet import Backoff, Fleet
from pkilab.container_tls.images import Image, build
from pkilab.container_tls.own_ca import OwnCa
from pkilab.container_tls.stores import (
    Room,
    read_bundle,
    read_secret,
    to_bundle,
    to_secret,
    try_room,
)
from pkilab.container_tls.ways import Effort, Way, compare, find_key, try_way

__all__ = [
    "Backoff",
    "Container",
    "Effort",
    "Fleet",
    "Image",
    "OwnCa",
    "Room",
    "Way",
    "build",
    "compare",
    "find_key",
    "read_bundle",
    "read_secret",
    "run",
    "to_bundle",
    "to_secret",
    "try_room",
    "try_way",
]
