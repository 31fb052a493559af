"""Scratch."""

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from . import material, nginx, rclone, rokuon_side
from .processes import free_port, start

kib, count, repeats = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
peers = "nopeer" not in sys.argv
root = Path("bench-data").resolve()
root.mkdir(exist_ok=True)
m = material.make(root / "material", kib, count)
work = Path(tempfile.mkdtemp(prefix="run-", dir=root))
work.chmod(0o711)
with ExitStack() as stack:
    lport, port = free_port(), free_port()
    base = f"http://127.0.0.1:{port}"
    start(stack, [sys.executable, "-m", "bench.listing", str(lport), base, str(m.listing)], work / "listing.log", port=lport)
    nginx.serve(stack, work, m.files, lport, port)
    with rokuon_side.opened(work / "inst") as rok, rok.workers(2):
        for n in range(repeats):
            perf = (
                subprocess.Popen(["perf", "record", "-q", "-o", "/tmp/perf.eng", "-F", "499", "-g", "-p", ",".join(map(str, rok._workers))])
                if "perf" in sys.argv
                else None
            )
            spy = (
                [
                    subprocess.Popen(
                        [
                            "/tmp/benchvenv/bin/py-spy",
                            "record",
                            "-f",
                            "raw",
                            "-r",
                            "250",
                            "--nonblocking",
                            "--gil",
                            "-o",
                            f"/tmp/spy.{i}",
                            "-p",
                            str(p),
                        ]
                        + (["-t"] if "t" in sys.argv else [])
                    )
                    for i, p in enumerate(rok._workers)
                ]
                if "spy" in sys.argv
                else []
            )
            if peers:
                t = work / f"rclone{n}"
                r = rclone.copy(base + "/files/", str(t), 32)
                h = rclone.hash_of(str(t), work / "sums", 32)
                print(
                    f"rclone copy {m.count / r.seconds:.0f}/s {1000 * r.cpu / m.count:.2f} ms; +hash {m.count / (r.seconds + h.seconds):.0f}/s {1000 * (r.cpu + h.cpu) / m.count:.2f} ms",
                    sum(1 for _ in t.rglob("*.mp3")),
                )
            b = rok.buckets / f"b{n}"
            b.mkdir()
            c = rok.company(base, "k" * 40, b.as_uri(), rokuon_side.OFF)
            w0 = [rokuon_side.tree_cpu_seconds(p) for p in rok._workers]
            r = rok.back_up(c, m.since_ms, m.until_ms)
            w1 = [rokuon_side.tree_cpu_seconds(p) for p in rok._workers]
            print(
                f"rokuon {r.verified / r.seconds:.0f}/s {1000 * r.worker_cpu / r.verified:.2f} ms (pg {1000 * r.database_cpu / r.verified:.2f}) in {r.seconds:.2f} s",
                [round(y - x, 2) for x, y in zip(w0, w1)],
                r.verified,
                r.other,
                r.pages,
                flush=True,
            )
            if perf:
                perf.send_signal(2)
                perf.wait()
            for x in spy:
                x.send_signal(2)
                x.wait()
