"""One run of `vaults.py`: a task as JSON on stdin, what was measured on stdout. Imports nothing before it counts."""

import os
import sys


def resident_mib() -> float:
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib would be imported for it
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024**2


BARE = resident_mib()
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
sys.path[0] = ROOT


def main() -> None:
    import importlib
    import json
    import time

    task = json.load(sys.stdin)
    for name in task["beside"]:
        importlib.import_module(name)
    import msgspec

    from core.secret import Secret
    from core.vault import registry
    from core.vault.config import AnyCredential, AnyLink
    from core.vault.prompting import RefusingPrompter

    before = resident_mib()
    if not task["provider"]:
        print(json.dumps({"python": BARE, "app": before}))
        return
    credential = msgspec.convert(task["credential"], AnyCredential, dec_hook=lambda _, text: Secret(text))
    link = msgspec.convert(task["link"], AnyLink)
    times = [time.perf_counter()]
    module = registry.load(task["provider"])
    times.append(time.perf_counter())
    imported = resident_mib()
    connection = module.connect(credential, RefusingPrompter())
    times.append(time.perf_counter())
    for _ in range(2):
        fetched = connection.fetch(link)
        times.append(time.perf_counter())
        if task["value"].encode() not in fetched.data:
            raise SystemExit("another value than the one that was put there")
    after = resident_mib()
    steps = ("import", "connect", "first", "second")
    measured = {name: (times[number + 1] - times[number]) * 1000 for number, name in enumerate(steps)}
    threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208
    measured |= {"sdk": imported - before, "added": after - before, "all": after, "threads": threads}
    print(json.dumps(measured))


main()
