"""Measures a batch inside the process: `inside.py ADDRESS COUNT JOBS FOLDER`."""

import json
import resource
import sys
import time

from downspout import Client


def _main(address: str, count: int, jobs: int, folder: str) -> None:
    uris = [f"{address}/{number:05}.bin" for number in range(count)]
    with Client(plugins=["web"], trust_typed=True) as client:
        before = time.process_time()
        begun = time.perf_counter()
        results = list(client.download_many(uris, folder, jobs=jobs))
        seconds = time.perf_counter() - begun
        cpu = time.process_time() - before
    if any(result.status != "ok" for result in results) or len(results) != count:
        raise SystemExit("not every document is there")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    json.dump({"seconds": seconds, "cpu": cpu, "peak": peak}, sys.stdout)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
