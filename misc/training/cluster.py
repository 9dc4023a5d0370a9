"""The workers that train as one, as TF_CONFIG in the environment names them."""

import json
from dataclasses import dataclass

from misc.config.errors import UserError

_EXAMPLE = (
    'such as {"cluster": {"worker": ["one:2222", "two:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


@dataclass(frozen=True)
class Cluster:
    """Workers in TensorFlow's order: the chief first, then the others.

    Attributes:
      workers: (what it is called, host, port) of each, such as ("worker 1", "two", 2222).
      rank: which of them this process is; 0 is the chief, the one that writes.
    """

    workers: tuple[tuple[str, str, int], ...]
    rank: int

    def name(self, rank: int) -> str:
        """A worker for people: "worker 1 (two:2222)"."""
        name, host, port = self.workers[rank]
        return f"{name} ({host}:{port})"


ALONE = Cluster((("worker 0", "localhost", 0),), 0)


def read_cluster(text: str) -> Cluster:
    """What TF_CONFIG says, as TensorFlow defines it; ALONE if it is empty.

    Jobs are `worker`, and `chief` of one worker at most; without one worker 0 is the chief.

    Raises: UserError if it is malformed, if the task is not in the cluster, or if two workers have
      one address.
    """
    if not text:
        return ALONE
    config = _parse(text)
    jobs, task = config.get("cluster"), config.get("task")
    if not isinstance(jobs, dict) or not jobs or not set(jobs) <= {"chief", "worker"}:
        raise _mistake('"cluster" must map "worker", and perhaps "chief", to lists of addresses')
    workers = []
    for job in ("chief", "worker"):
        addresses = jobs.get(job, [])
        if not isinstance(addresses, list):
            raise _mistake(f'"{job}" must be a list of addresses, not {addresses!r}')
        workers += [(f"{job} {i}", *_address(one)) for i, one in enumerate(addresses)]
    if len(jobs.get("chief", [])) > 1:
        raise _mistake(f"there may be one chief, not {len(jobs['chief'])}")
    names = [name for name, *_ in workers]
    if not isinstance(task, dict) or f"{task.get('type')} {task.get('index')}" not in names:
        raise _mistake(f'"task" is {json.dumps(task)}, but the cluster has {", ".join(names)}')
    addresses = [f"{host}:{port}" for _, host, port in workers]
    for one in addresses:
        if addresses.count(one) > 1:
            raise _mistake(f"{addresses.count(one)} workers have the address {one}")
    return Cluster(tuple(workers), names.index(f"{task['type']} {task['index']}"))


def _parse(text: str) -> dict:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _mistake(f"it is no JSON ({error})") from error
    if not isinstance(config, dict):
        raise _mistake(f"it is {json.dumps(config)[:50]}, no object")
    return config


def _address(text) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if isinstance(text, str) else ("", "", "")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise _mistake(f"{text!r} is no address HOST:PORT")
    return host, int(port)


def _mistake(what: str) -> UserError:
    return UserError(f"TF_CONFIG in the environment: {what}; expected one {_EXAMPLE}, or none")
